import { SHIPPED_MAPPINGS } from '../../src/mapping/defaults.js';
import { MappingDocument } from '../../src/mapping/mapping.document.js';

/** A list as a clerk sends it. */
export interface Sent {
  readonly file: string | Buffer;
  readonly mapping?: MappingDocument;
  readonly encoding?: string;
}
/** An example of docs/import-codes.md: what it quotes, lists that have the fault, and lists that are mended as it says. */
export interface Example {
  readonly quotes: readonly string[];
  readonly wrong: readonly Sent[];
  readonly right: readonly Sent[];
}
export type Cells = Readonly<Record<string, string>>;

export const [brazil, english] = SHIPPED_MAPPINGS;
/** The shipped mapping with other members. */
export const changed = (mapping: MappingDocument | undefined, changes: object) =>
  MappingDocument.parse({ ...mapping, ...changes });
/** The Brazilian mapping with these policies. */
export const policies = (some: object) => changed(brazil, { policies: some });
/** A list that knows patients by two numbers, neither of them required. */
export const twoNumbers = changed(brazil, {
  columns: { ...brazil?.columns, cpf: { type: 'identifier' }, mrn: { type: 'identifier' } },
  identifiers: [...(brazil?.identifiers ?? []), ...(english?.identifiers ?? [])],
});

/** A row of the circulating list that is right. */
export const BRAZIL: Cells = {
  Nome: 'Ana Souza',
  CPF: '529.982.247-25',
  Gênero: 'Feminino',
  'Data de Nascimento': '01/02/1980',
  Telefone: '(11) 3333-4444',
  'País de Nascimento': 'Brasil',
  Observação: '',
};
const ENGLISH: Cells = { mrn: '77', family_name: 'Miller', given_name: 'Ann', birth_date: '1980-02-01' };

const quoted = (cell: string) => (/[",]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
const line = (cells: readonly string[]) => cells.map(quoted).join(',');
/** A list of rows that differ from the usual one in these cells. */
export const listOf = (usual: Cells, rows: readonly Cells[]): string => {
  const names = Object.keys({ ...usual, ...rows[0] });
  return `${[names, ...rows.map((row) => names.map((name) => row[name] ?? usual[name] ?? ''))].map(line).join('\n')}\n`;
};
/** A Brazilian list. */
export const br = (...rows: Cells[]): Sent => ({ file: listOf(BRAZIL, rows) });
/** A plain English list. */
export const en = (...rows: Cells[]): Sent =>
  english === undefined ? { file: '' } : { file: listOf(ENGLISH, rows), mapping: english };
/** The same list by another mapping. */
export const by = (mapping: MappingDocument, { file }: Sent): Sent => ({ file, mapping });
/** A list as it stands, line by line. */
export const raw = (...lines: string[]): Sent => ({ file: `${lines.join('\n')}\n` });

/** Lists that differ in one cell, which the page quotes. */
export const cell = (
  make: (text: string) => Sent,
  wrong: readonly string[],
  right: readonly string[],
): Example => ({
  quotes: [...wrong, ...right],
  wrong: wrong.map((text) => make(literal(text))),
  right: right.map((text) => make(literal(text))),
});
const literal = (text: string) => text.replaceAll('\\0', '\0').replaceAll('\\x07', '\u0007');
/** A Brazilian list with one cell as it is quoted. */
export const inBrazil = (name: string) => (text: string) => br({ [name]: text });
/** An English list with one cell as it is quoted. */
export const inEnglish = (name: string) => (text: string) => en({ [name]: text });
/** A name as it stands in the file, and a number. */
export const numbered = (text: string) => raw('Nome,CPF', `${text},529.982.247-25`);
