import { headerKey } from './header.dictionary.js';
import { IDENTIFYING, meaningInWords, UNUSED } from './meanings.js';
import type { Candidate, ReadColumn } from './column.candidates.js';

/** A column of the file with its proposed meaning. `field` is its name in the draft, if the draft uses it. */
export interface ProposedColumn {
  readonly header: string;
  /** A meaning of the dictionary, the name of a measurement, or `unknown`. */
  readonly meaning: string;
  /** From 0 to 1. A meaning with less than 0.5 is not used. */
  readonly confidence: number;
  /** The reason for the meaning, in words. */
  readonly reason: string;
  readonly alternatives: readonly { readonly meaning: string; readonly confidence: number }[];
  readonly field?: string;
}

/** A column with the meaning that the draft uses. */
export interface PlacedColumn extends ReadColumn {
  readonly meaning: string;
  readonly field: string;
  /** Whether the draft has rules for the column, but does not use it before a person agrees. */
  readonly isOff?: true;
}

/** The columns with their meanings. `rivals` are columns that could also have the meaning of another column. */
export interface ChosenColumns {
  readonly proposed: readonly ProposedColumn[];
  readonly placed: readonly PlacedColumn[];
  readonly rivals: readonly { readonly column: ReadColumn; readonly meaning: string }[];
}

/** A meaning with less confidence is told, but not used. */
export const FEWEST_CONFIDENCE = 0.5;
/** Meanings that several columns can have, with the number of columns. */
const SEVERAL: ReadonlyMap<string, number> = new Map([
  ['phone', 4],
  ['email', 4],
  ['diagnoses', 4],
  ['diagnosis_code', 4],
  ['allergies', 4],
  ['medications', 4],
  ['procedures', 4],
]);
/** Chooses one meaning for each column. If two columns have the same meaning, the column with more confidence gets it. */
export function chooseColumns(columns: readonly ReadColumn[]): ChosenColumns {
  const ranked = columns
    .flatMap((column) => column.candidates.map((candidate) => ({ column, candidate })))
    .sort((one, other) => other.candidate.confidence - one.candidate.confidence);
  const chosen = new Map<number, Candidate>();
  const taken = new Map<string, number>();
  const rivals: { column: ReadColumn; meaning: string }[] = [];
  for (const { column, candidate } of ranked) {
    const { meaning } = candidate;
    if (chosen.has(column.at)) continue;
    const room = UNUSED.has(meaning) ? Infinity : (SEVERAL.get(meaning) ?? 1);
    const used = taken.get(meaning) ?? 0;
    if (used >= room) {
      rivals.push({ column, meaning });
      continue;
    }
    chosen.set(column.at, candidate);
    taken.set(meaning, used + 1);
  }
  const names = fieldNames(columns, chosen);
  const placed = columns.flatMap((column): PlacedColumn[] => {
    const [candidate, field] = [chosen.get(column.at), names.get(column.at)];
    if (candidate === undefined || field === undefined) return [];
    return [
      {
        ...column,
        meaning: candidate.meaning,
        field,
        ...(isUsed(candidate) ? {} : { isOff: true as const }),
      },
    ];
  });
  const rivalAt = new Map(rivals.map(({ column, meaning }) => [column.at, meaning]));
  return {
    placed,
    rivals: rivals.filter(({ column }) => !chosen.has(column.at)),
    proposed: columns.map((column) => proposal(column, chosen.get(column.at), names.get(column.at), rivalAt)),
  };
}

const isUsed = ({ confidence }: Candidate): boolean => confidence >= FEWEST_CONFIDENCE;

/** Whether the draft has rules for a meaning. Numbers that identify nobody and parts without a rule are left out. */
const hasRules = ({ meaning, confidence }: Candidate): boolean =>
  !UNUSED.has(meaning) && (confidence >= FEWEST_CONFIDENCE || !IDENTIFYING.has(meaning));

function proposal(
  column: ReadColumn,
  candidate: Candidate | undefined,
  field: string | undefined,
  rivals: ReadonlyMap<number, string>,
): ProposedColumn {
  const alternatives = column.candidates
    .filter(({ meaning }) => meaning !== candidate?.meaning)
    .map(({ meaning, confidence }) => ({ meaning, confidence: rounded(confidence) }));
  const shared = { header: column.header, alternatives };
  if (candidate === undefined) {
    const rival = rivals.get(column.at);
    const reason =
      rival === undefined
        ? 'The name is not in the dictionary, and the values do not show a meaning.'
        : `Another column is the better ${meaningInWords(rival)}.`;
    return { ...shared, meaning: 'unknown', confidence: 0, reason };
  }
  const { meaning, confidence, reason } = candidate;
  const unused = UNUSED.get(meaning);
  return {
    ...shared,
    meaning,
    confidence: rounded(confidence),
    reason: unused === undefined ? reason : `${reason} ${unused}`,
    ...(field === undefined || !isUsed(candidate) ? {} : { field }),
  };
}

const rounded = (confidence: number): number => Math.round(confidence * 100) / 100;

/** The names of the used columns in the draft. A name is never the header of another column, because a mapping also knows a column by its name. */
function fieldNames(
  columns: readonly ReadColumn[],
  chosen: ReadonlyMap<number, Candidate>,
): ReadonlyMap<number, string> {
  const headers = new Map(columns.map(({ at, header }) => [headerKey(header), at]));
  const fields = new Map<number, string>();
  const taken = new Set<string>();
  for (const { at } of columns) {
    const candidate = chosen.get(at);
    if (candidate === undefined || !hasRules(candidate)) continue;
    const base = isUsed(candidate) ? candidate.meaning : `unused_${candidate.meaning}`;
    let field = base;
    for (let number = 2; taken.has(field) || (headers.get(field) ?? at) !== at; number += 1)
      field = `${base}_${number}`;
    taken.add(field);
    fields.set(at, field);
  }
  return fields;
}
