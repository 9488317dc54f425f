import { Readable } from 'node:stream';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { metadataOfFile } from '../../src/dicom/json/file.metadata.js';
import { isReport, reportContent } from '../../src/dicom/report/report.content.js';
import { REPORT_POLICY, reportHtml } from '../../src/dicom/report/report.html.js';
import { reportText } from '../../src/dicom/report/report.text.js';
import type { DicomElement } from '../../infra/demo/dicom.elements.ts';
import { element } from '../../infra/demo/dicom.writer.ts';
import { longForm } from '../support/long.form.ts';
import { code, everyKind, item, reportFile } from './report.files.ts';

async function contentOf(file: Buffer) {
  return reportContent(await metadataOfFile(Readable.from([file])));
}

const textOf = async (file: Buffer) => [...reportText(await contentOf(file))].join('');
const pageOf = async (file: Buffer) => [...reportHtml(await contentOf(file))].join('');

describe('a report as plain text', () => {
  it('shows every value type with meanings, units and formatted values', async () => {
    const text = await textOf(reportFile({}, everyKind));
    expect(text).toBe(
      `Imaging report
==============

Patient: Sample, Robin
Patient ID: ${/Patient ID: (.*)/.exec(text)?.[1]}
Birth date: 1970-01-01
Sex: O
Study: Sample study
Study date: 2024-03-15 10:15:00
Status: complete, verified

(context) Observer note: Two lines
    of text
Findings
  [1.2.1] Diameter: 12.5 mm
    (modifier) Method: By hand
    (inferred from) Source: Image 1.2.840.7, frames 1, 2
  Ratio: 0.5 ratio
  Count: 3
  Missing: Measurement failure
  Day: 2024-01-31
  Moment: 10:15:30
  Both: 2024-01-31 10:15:30 +01:00
  Reader: Doe, Dr Jo (山田, 太郎)
  Frame of reference: 1.2.840.9
  Outline: POLYLINE at 1, 2, 3, 4 (pixels)
  Range: POINT seconds 1.5
  Other: Object 1.2.840.8
  (selected from) see [1.2.1]
`,
    );
  });

  it('has no control characters of the file except line feeds and tabs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 40 }), async (value) => {
        const text = await textOf(reportFile({}, [item('TEXT', 'Note', [element('0040A160', 'UT', value)])]));
        expect(text.replaceAll('\n', '')).not.toMatch(/[^\P{Cc}\t]/u);
      }),
      { numRuns: longForm(500, 20) },
    );
  });
});

describe('a report as a page', () => {
  it('has headings, links within the page, and the codes of concepts', async () => {
    const page = await pageOf(reportFile({}, everyKind));
    expect(page).toContain('<h1><bdi>Imaging report</bdi></h1>');
    expect(page).toContain('<section>\n<h2 title="999, 99TEST"><bdi>Findings</bdi></h2>');
    expect(page).toContain('<p id="item-1.2.1"><strong title="999, 99TEST"><bdi>Diameter</bdi>:</strong>');
    expect(page).toContain('<a href="#item-1.2.1">see item 1.2.1</a>');
  });

  it('contains no markup of the file, whatever its values are', async () => {
    const hostile = fc.oneof(
      fc.constantFrom(
        '<script>alert(1)</script>',
        '"><img src=x onerror=alert(1)>',
        "' onmouseover='alert(1)",
        '</style><script>',
        '&lt;b&gt;',
        ']]><!--',
        '</title><svg onload=alert(1)>',
      ),
      fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => text.replaceAll('\\', '/')),
    );
    const plain = tagsOf(await pageOf(reportFile({}, kindsWith('plain'), { title: 'plain' })));
    await fc.assert(
      fc.asyncProperty(hostile, async (value) => {
        const file = reportFile({}, kindsWith(value || '-'), { title: `x${value}` });
        expect(tagsOf(await pageOf(file))).toEqual(plain);
      }),
      { numRuns: longForm(600, 20) },
    );
  });

  it('allows its own style only', async () => {
    expect(REPORT_POLICY).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/]+=*'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox$/,
    );
    const page = await pageOf(reportFile({}, everyKind));
    expect(page.match(/<style>/g)).toHaveLength(1);
    expect(page).not.toMatch(/ style=|<script|<link|<img|https?:/);
  });
});

/** A content item with a table (PS3.3 §C.18.10). */
function table(
  size: readonly [rows: number, columns: number],
  parts: readonly DicomElement[],
): DicomElement[] {
  const counts = [element('0040A802', 'UL', [size[0]]), element('0040A803', 'UL', [size[1]])];
  return item('TABLE', 'Curve', [{ tag: '0040A801', vr: 'SQ', value: { items: [[...counts, ...parts]] } }]);
}

const sequenceOf = (tag: string, ...items: DicomElement[][]): DicomElement => ({
  tag,
  vr: 'SQ',
  value: { items },
});
const at = (row: number | undefined, column: number | undefined) => [
  ...(row === undefined ? [] : [element('0040A804', 'UL', [row])]),
  ...(column === undefined ? [] : [element('0040A805', 'UL', [column])]),
];

describe('a table of a report', () => {
  const columns = sequenceOf(
    '0040A807',
    [...at(undefined, 1), code('0040A043', '1', '99TEST', 'Started')],
    [...at(undefined, 2), code('0040A043', '2', '99TEST', 'Current'), code('004008EA', 'mA', 'UCUM', 'mA')],
  );
  const whole = sequenceOf(
    '0040A808',
    [...at(undefined, 1), element('00720063', 'DT', '20240131101530\\20240131101531')],
    [...at(undefined, 2), element('00720076', 'FL', [100.5, 90.25])],
  );

  it('shows whole columns with their names and units', async () => {
    expect(await textOf(reportFile({}, [table([2, 2], [columns, whole])]))).toContain(`Curve
  Table of 2 rows and 2 columns
  Started | Current (mA)
  2024-01-31 10:15:30 | 100.5
  2024-01-31 10:15:31 | 90.25
`);
  });

  it('shows whole rows, single cells, codes, references and the names of rows', async () => {
    const rows = sequenceOf('0040A806', [...at(2, undefined), code('0040A043', '1', '99TEST', 'Second')]);
    const cells = sequenceOf(
      '0040A808',
      [...at(1, undefined), element('0072007C', 'SL', [1, 2, 3])],
      [...at(2, 1), code('00720080', '1', '99TEST', 'Left')],
      [...at(2, 3), element('0040DB73', 'UL', [1, 4])],
      [...at(9, 9), element('0072007C', 'SL', [7])],
    );
    const page = await pageOf(reportFile({}, [table([2, 3], [rows, cells])]));
    expect(page.replaceAll(/<\/?bdi>/g, '')).toContain(
      '<tr><th scope="row"></th><td>1</td><td>2</td><td>3</td></tr>\n' +
        '<tr><th scope="row">Second</th><td>Left</td><td></td><td>see 1.4</td></tr>',
    );
  });

  it('shows at most 200 rows and 32 columns, whatever the file claims', async () => {
    const text = await textOf(reportFile({}, [table([4_000_000_000, 4_000_000_000], [])]));
    expect(text).toContain(
      'Table of 4000000000 rows and 4000000000 columns. The first 200 rows and 32 columns are shown.',
    );
    expect(text.length).toBeLessThan(40_000);
    expect(await textOf(reportFile({}, [item('TABLE', 'None')]))).toContain('None: Table without values');
  });
});

describe('a hostile report', () => {
  it.each([
    [longForm('100,000 items', '5,000 items'), longForm(100_000, 5_000), 'more elements than allowed'],
    [longForm('20,000 items', '1,000 items'), longForm(20_000, 1_000), undefined],
  ])('of %s is refused or shown', async (_, count, refusal) => {
    const one = item('TEXT', 'Note', [element('0040A160', 'UT', 'text')]);
    const file = reportFile({}, Array.from<DicomElement[]>({ length: count }).fill(one));
    const read = metadataOfFile(Readable.from([file]), '', longForm(250_000, 12_500));
    if (refusal === undefined) expect(reportContent(await read).items).toHaveLength(count);
    else await expect(read).rejects.toThrow(refusal);
  });

  it('of depth 1,000 is refused', async () => {
    let content = item('TEXT', 'Deepest');
    for (let depth = 0; depth < 1_000; depth += 1) content = item('CONTAINER', 'Deep', [], [content]);
    await expect(contentOf(reportFile({}, [content]))).rejects.toThrow('sequences are nested too deep');
  });

  it.each<[what: string, content: DicomElement[]]>([
    ['an item without elements', []],
    ['an unknown value type', item('NEW', 'Kind')],
    ['a text as a number', [element('0040A040', 'CS', 'NUM'), element('0040A300', 'LO', 'five')]],
    ['a code sequence without items', [{ tag: '0040A043', vr: 'SQ', value: { items: [] } }]],
    ['a code without a meaning', [{ tag: '0040A043', vr: 'SQ', value: { items: [[]] } }]],
    ['a reference to an item that does not exist', [element('0040DB73', 'UL', [9, 9])]],
    [
      'many references',
      [
        element(
          '0040DB73',
          'UL',
          Array.from({ length: 10_000 }, () => 1),
        ),
      ],
    ],
    ['content that is no sequence', [element('0040A730', 'LO', 'none')]],
    ['invalid dates', [element('0040A040', 'CS', 'DATE'), element('0040A121', 'DA', 'tomorrow')]],
  ])('with %s is shown', async (_, content) => {
    const file = reportFile({}, [content, item('TEXT', 'Last', [element('0040A160', 'UT', 'end')])]);
    expect(await textOf(file)).toContain('Last: end');
    expect(await pageOf(file)).toContain('<bdi>end</bdi>');
  });
});

it.each([
  ['1.2.840.10008.5.1.4.1.1.88.11', true],
  ['1.2.840.10008.5.1.4.1.1.88.59', true],
  ['1.2.840.10008.5.1.4.1.1.79.1', true],
  ['1.2.840.10008.5.1.4.1.1.104.2', false],
  ['1.2.840.10008.5.1.4.1.1.8', false],
])('instances of %s are reports: %s', (sopClassUid, expected) => {
  expect(isReport(sopClassUid)).toBe(expected);
});

/** Content with this text in every kind of text value. */
function kindsWith(text: string): DicomElement[][] {
  return [
    item('TEXT', text, [element('0040A160', 'UT', text)], [item('CODE', text)]),
    item('CONTAINER', text, [], [item('PNAME', text, [element('0040A123', 'PN', text)])]),
    item('UIDREF', text, [element('0040A124', 'UI', text)]),
    item(text, text),
  ];
}

/** The tags of a page, without the texts of `title` attributes. */
function tagsOf(page: string): string[] {
  return page.match(/<[^>]*>/g)?.map((tag) => tag.replace(/ title="[^"]*"/, ' title')) ?? [];
}
