import { SHIPPED_MAPPINGS } from '../../src/mapping/defaults.js';
import { MappingDocument } from '../../src/mapping/mapping.document.js';

/** A list that a clerk sends. */
export interface Sent {
  readonly file: string | Buffer;
  readonly mapping?: MappingDocument;
  readonly encoding?: string;
  readonly sheet?: string;
}
/** An example of docs/import-codes.md: the quoted cell, lists with the fault, and the corrected lists. */
export interface Example {
  readonly quotes: readonly string[];
  readonly wrong: readonly Sent[];
  readonly right: readonly Sent[];
}
export type Cells = Readonly<Record<string, string>>;

export const [brazil, english] = SHIPPED_MAPPINGS;
/** The mapping with changed members. */
export const changed = (mapping: MappingDocument | undefined, changes: object) =>
  MappingDocument.parse({ ...mapping, ...changes });
/** The Brazilian mapping with these policies. */
export const policies = (some: object) => changed(brazil, { policies: some });
/** A mapping with two identifiers for each patient. Neither of them is required. */
export const twoNumbers = changed(brazil, {
  columns: { ...brazil?.columns, cpf: { type: 'identifier' }, mrn: { type: 'identifier' } },
  identifiers: [...(brazil?.identifiers ?? []), ...(english?.identifiers ?? [])],
});

/** A valid row of the Brazilian list. */
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
/** A list. Each row has the cells of the valid row `usual`, except for the given cells. */
export const listOf = (usual: Cells, rows: readonly Cells[]): string => {
  const names = Object.keys({ ...usual, ...rows[0] });
  return `${[names, ...rows.map((row) => names.map((name) => row[name] ?? usual[name] ?? ''))].map(line).join('\n')}\n`;
};
/** A Brazilian list. */
export const br = (...rows: Cells[]): Sent => ({ file: listOf(BRAZIL, rows) });
/** A plain English list. */
export const en = (...rows: Cells[]): Sent =>
  english === undefined ? { file: '' } : { file: listOf(ENGLISH, rows), mapping: english };
/** The same list with this mapping. */
export const by = (mapping: MappingDocument, { file }: Sent): Sent => ({ file, mapping });
/** A list with exactly these lines. */
export const raw = (...lines: string[]): Sent => ({ file: `${lines.join('\n')}\n` });

/** An example whose lists differ in one cell. docs/import-codes.md quotes this cell. */
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
/** Returns a function that puts a text into this column of a Brazilian list. */
export const inBrazil = (name: string) => (text: string) => br({ [name]: text });
/** Returns a function that puts a text into this column of an English list. */
export const inEnglish = (name: string) => (text: string) => en({ [name]: text });
/** A list with one valid CPF number and this text as the name. */
export const numbered = (text: string) => raw('Nome,CPF', `${text},529.982.247-25`);
