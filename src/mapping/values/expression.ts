import { z } from 'zod';
import { foldText } from '../words/folding.js';

const Field = z.string().max(64);
const When = z
  .strictObject({ column: Field, is: z.array(z.string()).optional(), present: z.boolean().optional() })
  .optional();

/** The rule that makes a value of a resource from the cells of a row. An expression contains no program code. */
export const Expression = z.union([
  z.strictObject({ copy: Field, when: When }),
  z.strictObject({ const: z.string().max(1_000), when: When }),
  z.strictObject({ lookup: Field, table: Field, when: When }),
  z.strictObject({ template: z.string().max(1_000), when: When }),
]);
export type Expression = z.infer<typeof Expression>;

/** A column whose cells contain lists. `by` contains the separators. */
export const Split = z.strictObject({
  split: Field,
  by: z.array(z.string().length(1)).min(1).max(4),
  when: When,
});
export type Split = z.infer<typeof Split>;

/** The cells of a row. The keys are the column names of the mapping. The texts are trimmed, and empty cells are left out. */
export type Cells = ReadonlyMap<string, string>;

/** The tables of the document by name. Each table maps folded words to values. */
export type Tables = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** A value with its column. `unlisted` is true when the table does not contain the word. */
export interface Evaluated {
  readonly text: string;
  readonly column?: string;
  readonly unlisted?: true;
}

/** Returns the tables of a document by name. The words of each table are folded. */
export const readTables = (tables: Readonly<Record<string, Readonly<Record<string, string>>>>): Tables =>
  new Map(
    Object.entries(tables).map(([name, table]) => [
      name,
      new Map(Object.entries(table).map(([word, value]) => [foldText(word), value])),
    ]),
  );

/** Evaluates an expression. Returns undefined when the cell is empty or the condition of the expression is false. */
export function evaluate(expression: Expression, cells: Cells, tables: Tables): Evaluated | undefined {
  if (!applies(expression.when, cells)) return undefined;
  if ('const' in expression) return { text: expression.const };
  if ('copy' in expression) return copyOf(expression.copy, cells);
  if ('template' in expression) return fill(expression.template, cells);
  const cell = copyOf(expression.lookup, cells);
  if (cell === undefined) return undefined;
  const found = tables.get(expression.table)?.get(foldText(cell.text));
  return found === undefined ? { ...cell, unlisted: true } : { ...cell, text: found };
}

/** The trimmed items of a list cell, in order. Empty items are kept, because the items of two related lists are matched by position. */
export function splitCell(rule: Split, cells: Cells): readonly string[] {
  const cell = cells.get(rule.split);
  if (cell === undefined || !applies(rule.when, cells)) return [];
  const items = [''];
  for (const letter of cell) {
    if (rule.by.includes(letter)) items.push('');
    else items.push(`${items.pop()}${letter}`);
  }
  return items.map((item) => item.trim());
}

function copyOf(column: string, cells: Cells): Evaluated | undefined {
  const text = cells.get(column);
  return text === undefined ? undefined : { text, column };
}

function fill(template: string, cells: Cells): Evaluated | undefined {
  const columns = [...template.matchAll(/\{([^}]*)\}/gu)].map(([, column = '']) => column);
  if (!columns.some((column) => cells.has(column))) return undefined;
  const text = template.replace(/\{([^}]*)\}/gu, (_, column: string) => cells.get(column) ?? '');
  const [column] = columns;
  return { text: text.replace(/\s+/gu, ' ').trim(), ...(column === undefined ? {} : { column }) };
}

function applies(when: z.infer<typeof When>, cells: Cells): boolean {
  if (when === undefined) return true;
  const cell = cells.get(when.column);
  if (when.present !== undefined && when.present !== (cell !== undefined)) return false;
  return when.is === undefined || (cell !== undefined && when.is.map(foldText).includes(foldText(cell)));
}
