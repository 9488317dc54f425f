import type { ContentItem, ReportContent } from './report.content.js';
import { tableLines } from './report.table.js';

/** A report as plain text, in pieces. Each level is indented by two spaces. */
export function* reportText(report: ReportContent): Generator<string> {
  yield `${report.title}\n${'='.repeat(Math.min(report.title.length, 60))}\n\n`;
  for (const [name, value] of report.facts) yield lines(`${name}: ${value}`, '');
  yield '\n';
  yield* itemsText(report.items, '', report.targets);
}

function* itemsText(
  items: readonly ContentItem[],
  indent: string,
  targets: ReadonlySet<string>,
): Generator<string> {
  for (const item of items) {
    yield lines(lineOf(item, targets), indent);
    for (const line of item.table === undefined ? [] : tableLines(item.table))
      yield lines(line, `${indent}  `);
    yield* itemsText(item.items, `${indent}  `, targets);
  }
}

function lineOf(item: ContentItem, targets: ReadonlySet<string>): string {
  const { position, relationship, name, value, target } = item;
  const number = targets.has(position) ? `[${position}] ` : '';
  const relation = relationship === '' ? '' : `(${relationship}) `;
  const shown = target === undefined ? value : `see [${target}]`;
  const label = name === '' ? '' : shown === '' ? name : `${name}: `;
  return `${number}${relation}${label}${shown}`.trimEnd() || '-';
}

/** A text that can have several lines, with this indentation. Further lines are indented deeper. */
function lines(text: string, indent: string): string {
  return `${indent}${text.replaceAll('\n', `\n${indent}    `)}\n`;
}
