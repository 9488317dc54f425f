import { foldHeader } from '../words/folding.js';
import { headerAliases, missingColumns } from '../mapping.columns.js';
import type { MappingDocument } from '../mapping.document.js';
import { readDate } from '../values/dates.js';
import { readTables } from '../values/expression.js';
import { genderOf } from '../values/gender.js';
import { foldText } from '../words/folding.js';
import type { ProposedColumn } from './column.choice.js';
import type { ColumnProfile } from './column.profile.js';
import { dateFactsOf } from './date.facts.js';
import type { ListProfile } from './list.profiler.js';

/** The name and version of a mapping. */
export interface KnownMapping {
  readonly name: string;
  readonly version: number;
}

/**
 * The known mapping that fits a list. A mapping fits if the list has all its required columns and an identifier, its date formats and words
 * for the sex fit the values, and it uses each column with values that the draft would use. If several mappings fit, none is chosen. Of
 * each name, only the newest version counts.
 */
export function fittingMapping(
  profile: ListProfile,
  proposed: readonly ProposedColumn[],
  known: readonly MappingDocument[],
): KnownMapping | undefined {
  const newest = new Map<string, MappingDocument>();
  for (const document of known)
    if (document.version > (newest.get(document.name)?.version ?? 0)) newest.set(document.name, document);
  const fitting = [...newest.values()].filter((document) => fits(profile, proposed, document));
  const [only] = fitting;
  return only === undefined || fitting.length > 1 ? undefined : { name: only.name, version: only.version };
}

function fits(
  { columns }: ListProfile,
  proposed: readonly ProposedColumn[],
  document: MappingDocument,
): boolean {
  const aliases = headerAliases(document);
  const fieldOf = ({ header }: { readonly header: string }) => aliases.get(foldHeader(header));
  const fields = columns.flatMap((column) => fieldOf(column) ?? []);
  const known = new Set(fields);
  if (known.size < fields.length || missingColumns(document, known).length > 0) return false;
  const isLost = (column: ProposedColumn, at: number) =>
    column.field !== undefined && fieldOf(column) === undefined && (columns[at]?.filled ?? 0) > 0;
  if (proposed.some(isLost)) return false;
  return columns.every((column) => {
    const field = fieldOf(column);
    return field === undefined || (fitsDates(column, document, field) && fitsGender(column, document, field));
  });
}

/**
 * Whether the dates of a column can be in the formats of the mapping. Texts that are no date in any format do not count, because they are
 * errors of their rows. The list does not fit if most of its dates have another format, or if its days and months are in the other order.
 */
function fitsDates({ distinct, dates }: ColumnProfile, { columns }: MappingDocument, field: string): boolean {
  const rule = columns[field];
  if (rule?.type !== 'date') return true;
  const formats = rule.formats ?? ['yyyy-MM-dd'];
  const texts = [...distinct.keys()].filter((text) => dateFactsOf(text) !== undefined);
  const read = texts.filter((text) => {
    const [day = ''] = text.split(/[T ]/u);
    return 'date' in readDate(day, formats, { pivot: rule.pivot });
  });
  if (read.length * 2 < texts.length) return false;
  const { firstOver, secondOver } = dates;
  if (formats.every((format) => !format.startsWith('MM')) && secondOver > firstOver) return false;
  return !(formats.every((format) => !format.startsWith('dd')) && firstOver > secondOver);
}

const FITTING = 0.8;
/** A text such as 1, M or xx, which stands for a sex in some lists. */
const SHORT_CODE = /^[\p{L}\d]{1,2}$/u;

/**
 * Whether most words for the sex are in the table of the mapping, or are words of the five languages. Longer unknown words do not count,
 * because they are errors of their rows.
 */
function fitsGender({ distinct }: ColumnProfile, document: MappingDocument, field: string): boolean {
  const rule = document.patient.gender;
  if (rule === undefined || !('lookup' in rule) || rule.lookup !== field) return true;
  const table = readTables(document.tables).get(rule.table);
  const known = (text: string) => (table?.get(foldText(text)) ?? genderOf(text)) !== undefined;
  const texts = [...distinct.keys()].filter((text) => known(text) || SHORT_CODE.test(text));
  const words = new Set(texts.map((text) => foldText(text).replace(/[^\p{L}\d]/gu, '')));
  // Beside H or V, the letter M is female. A mapping that reads it as male does not fit.
  const isFemaleM =
    words.has('m') &&
    !words.has('f') &&
    ['h', 'v', 'hombre', 'homme', 'varon'].some((word) => words.has(word));
  if (isFemaleM && (table?.get('m') ?? 'male') === 'male') return false;
  return texts.filter((text) => known(text)).length >= texts.length * FITTING;
}
