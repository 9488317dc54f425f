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
