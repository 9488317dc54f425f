import { createHash } from 'node:crypto';
import { escapeXml } from '../json/xml.writer.js';
import type { ContentItem, ReportContent } from './report.content.js';
import type { ReportTable } from './report.table.js';

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}' +
  'h1{font-size:1.5rem}h2{font-size:1.2rem}h3,h4,h5,h6{font-size:1rem}' +
  'h2,h3,h4,h5,h6{margin:1.2rem 0 .3rem}' +
  'dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;border-bottom:1px solid #ccc;padding-bottom:1rem}' +
  'dt{color:#555}dd{margin:0}p{margin:.2rem 0}dd,p{white-space:pre-wrap;overflow-wrap:anywhere}' +
  'section section,.under{margin-left:.4rem;padding-left:1rem;border-left:2px solid #ddd}' +
  'table{border-collapse:collapse;display:block;overflow-x:auto}td,th{border:1px solid #ccc;padding:.1rem .5rem;text-align:left}' +
  'caption{text-align:left;color:#555}' +
  '.about{color:#555;font-size:.875rem}';

/**
 * The Content-Security-Policy of a report as HTML. It allows the style of the page only: no scripts, no other resources, no forms. `sandbox`
 * gives the page an origin of its own.
 */
export const REPORT_POLICY =
  `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; ` +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox";

/** A report as a page of HTML, in pieces. Every text of the file is escaped. */
export function* reportHtml(report: ReportContent): Generator<string> {
  const title = escapeXml(report.title);
  const head =
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n' +
    '<meta name="viewport" content="width=device-width">\n' +
    `<title>${title}</title>\n<style>${STYLE}</style>\n</head>\n<body>\n<h1><bdi>${title}</bdi></h1>\n`;
  yield head;
  if (report.facts.length > 0) {
    yield '<dl>\n';
    for (const [name, value] of report.facts)
      yield `<dt>${escapeXml(name)}</dt><dd><bdi>${escapeXml(value)}</bdi></dd>\n`;
    yield '</dl>\n';
  }
  yield '<main>\n';
  yield* itemsHtml(report.items, 2, report.targets);
  yield '</main>\n</body>\n</html>\n';
}

function* itemsHtml(
  items: readonly ContentItem[],
  level: number,
  targets: ReadonlySet<string>,
): Generator<string> {
  for (const item of items) {
    const anchor = targets.has(item.position) ? ` id="item-${item.position}"` : '';
    if (item.isSection) {
      const heading = `h${Math.min(level, 6)}`;
      const name = item.name === '' ? '' : `<${heading}${codeTitle(item)}>${nameHtml(item)}</${heading}>\n`;
      yield `<section${anchor}>\n${name}${targetHtml(item)}`;
      yield* itemsHtml(item.items, level + 1, targets);
      yield '</section>\n';
      continue;
    }
    yield `<p${anchor}>${paragraph(item)}</p>\n`;
    if (item.table !== undefined) yield* tableHtml(item.table);
    if (item.items.length === 0) continue;
    yield '<div class="under">\n';
    yield* itemsHtml(item.items, level + 1, targets);
    yield '</div>\n';
  }
}

function cell(text: string): string {
  return `<td><bdi>${escapeXml(text)}</bdi></td>`;
}

function head(scope: 'row' | 'col', text: string): string {
  return `<th scope="${scope}"><bdi>${escapeXml(text)}</bdi></th>`;
}

function* tableHtml({ size, columns, rows }: ReportTable): Generator<string> {
  const hasNames = rows.some(({ name }) => name !== '');
  yield `<table>\n<caption>${escapeXml(size)}</caption>\n`;
  if (columns.length > 0)
    yield `<tr>${hasNames ? '<td></td>' : ''}${columns.map((name) => head('col', name)).join('')}</tr>\n`;
  for (const { name, cells } of rows)
    yield `<tr>${hasNames ? head('row', name) : ''}${cells.map(cell).join('')}</tr>\n`;
  yield '</table>\n';
}

function paragraph(item: ContentItem): string {
  const { name, value, target } = item;
  const label = name === '' ? aboutHtml(item) : `<strong${codeTitle(item)}>${nameHtml(item)}:</strong> `;
  return label + (target === undefined ? `<bdi>${escapeXml(value)}</bdi>` : linkTo(target));
}

function targetHtml({ target }: ContentItem): string {
  return target === undefined ? '' : `<p>${linkTo(target)}</p>\n`;
}

function nameHtml(item: ContentItem): string {
  return `${aboutHtml(item)}<bdi>${escapeXml(item.name)}</bdi>`;
}

function aboutHtml({ relationship }: ContentItem): string {
  return relationship === '' ? '' : `<span class="about">(${escapeXml(relationship)})</span> `;
}

function codeTitle({ code }: ContentItem): string {
  return code === '' ? '' : ` title="${escapeXml(code)}"`;
}

/** A link to another item. A position that is not numbers and points is shown without a link. */
function linkTo(position: string): string {
  if (!/^\d+(\.\d+)*$/.test(position)) return `see ${escapeXml(position)}`;
  return `<a href="#item-${position}">see item ${position}</a>`;
}
