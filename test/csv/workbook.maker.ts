import { strToU8, zipSync } from 'fflate';

const NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"';
const STRINGS = ['Nome', 'CPF', 'Data de Nascimento', 'João &amp; "Zé"', 'dois\nnomes'];

/** An XLSX workbook with a hidden first sheet and this second sheet. `more` replaces parts of the workbook. */
export function workbook(rows: string, more: Readonly<Record<string, string>> = {}): Buffer {
  const parts = {
    'xl/worksheets/sheet2.xml': `<worksheet ${NS}><sheetData>${rows}</sheetData></worksheet>`,
    'xl/worksheets/sheet1.xml': `<worksheet ${NS}><sheetData><row><c t="str"><v>hidden</v></c></row></sheetData></worksheet>`,
    '[Content_Types].xml': '<Types/>',
    'xl/workbook.xml': `<workbook ${NS} xmlns:r="r"><sheets><sheet name="x" state="hidden" r:id="a"/><sheet name="Pacientes" r:id="b"/></sheets></workbook>`,
    'xl/_rels/workbook.xml.rels':
      '<Relationships><Relationship Id="b" Target="worksheets/sheet2.xml"/><Relationship Id="a" Target="/xl/worksheets/sheet1.xml"/></Relationships>',
    'xl/sharedStrings.xml': `<sst ${NS}>${STRINGS.map((text) => `<si><r><t>${text.slice(0, 2)}</t></r><r><t xml:space="preserve">${text.slice(2)}</t></r><rPh><t>no</t></rPh></si>`).join('')}</sst>`,
    'xl/styles.xml': `<styleSheet ${NS}><numFmts><numFmt numFmtId="164" formatCode="00000000000"/><numFmt numFmtId="165" formatCode="dd/mm/yyyy;@"/></numFmts><cellStyleXfs><xf numFmtId="9"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>`,
    ...more,
  };
  return Buffer.from(
    zipSync(Object.fromEntries(Object.entries(parts).map(([name, text]) => [name, strToU8(text)]))),
  );
}

/** The rows of a sheet with these texts as cells. */
export const sheetRows = (...rows: readonly (readonly string[])[]): string =>
  rows
    .map((cells) => {
      const texts = cells.map((text) => `<c t="inlineStr"><is><t>${text}</t></is></c>`);
      return `<row>${texts.join('')}</row>`;
    })
    .join('');

const OPEN_NS = ['office', 'table', 'text', 'style', 'calcext', 'draw']
  .map((prefix) => `xmlns:${prefix}="urn:${prefix}"`)
  .join(' ');

const styleOf = (name: string, isShown: boolean) =>
  `<style:style style:name="${name}" style:family="table"><style:table-properties table:display="${isShown}"/></style:style>`;
const sheetOf = (name: string, of: string, content: string) =>
  `<table:table table:name="${name}" table:style-name="${of}">${content}</table:table>`;
const oneRow = (text: string) =>
  `<table:table-row><table:table-cell office:value-type="string"><text:p>${text}</text:p></table:table-cell></table:table-row>`;

/** An ODS workbook with a hidden first sheet, this second sheet, and a third sheet. `more` replaces parts of the workbook. */
export function openDocument(rows: string, more: Readonly<Record<string, string>> = {}): Buffer {
  const deleted =
    '<table:tracked-changes><table:table-cell><text:p>no</text:p></table:table-cell></table:tracked-changes>';
  const body = `${deleted}${sheetOf('x', 'a', oneRow('hidden'))}${sheetOf('Pacientes', 'b', rows)}${sheetOf('Mais', 'b', oneRow('more'))}`;
  const parts = {
    'Configurations2/': '',
    'content.xml': `<?xml version="1.0" encoding="UTF-8"?><office:document-content ${OPEN_NS}><office:automatic-styles>${styleOf('a', false)}${styleOf('b', true)}</office:automatic-styles><office:body><office:spreadsheet>${body}</office:spreadsheet></office:body></office:document-content>`,
    'META-INF/manifest.xml': '<m:manifest xmlns:m="urn:m"/>',
    ...more,
  };
  const entries = Object.entries(parts).map(([name, text]) => [name, strToU8(text)] as const);
  const mimetype = strToU8('application/vnd.oasis.opendocument.spreadsheet');
  return Buffer.from(zipSync({ mimetype: [mimetype, { level: 0 }], ...Object.fromEntries(entries) }));
}

/** A row of an ODS sheet. Each cell is the attributes and the content of its element, or only a text. */
export const openRow = (...cells: (string | readonly [string, string])[]): string =>
  `<table:table-row>${cells
    .map((cell) => {
      const [attributes, content] = typeof cell === 'string' ? ['', `<text:p>${cell}</text:p>`] : cell;
      return `<table:table-cell ${attributes}>${content}</table:table-cell>`;
    })
    .join('')}</table:table-row>`;
