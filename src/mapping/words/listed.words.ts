import type { Coding } from '@medplum/fhirtypes';
import { issue } from '../issue.js';
import type { MappingDocument } from '../mapping.document.js';
import type { RowReading } from '../row.reading.js';
import { isAfter, readDate } from '../values/dates.js';
import { type Cells, splitCell } from '../values/expression.js';
import { findIcdCode, icdCode } from '../values/icd.js';
import { isIcdSystem } from './code.map.js';

/** The rule for a column with diagnoses. */
export type WordsRule = MappingDocument['words'][number];

/** An item of a list: its text, the words to look up, and its ICD-10 code as it is written. */
export interface ListedWord {
  readonly text: string;
  readonly words: string;
  readonly code?: string | undefined;
}

/**
 * The items of a list of diagnoses. The codes are in a column of their own, or in the column of the words. Returns undefined if the two
 * columns differ in length.
 */
export function listedWords(reading: RowReading, rule: WordsRule): ListedWord[] | undefined {
  const texts = splitCell(rule.words, reading.cells);
  if (rule.codes === undefined) return texts.map((text) => ({ text, words: text }));
  if (rule.codes.split === rule.words.split)
    return texts.map((text) => ({ text, words: text, ...findIcdCode(text, rule.codes?.system) }));
  const codes = splitCell(rule.codes, reading.cells);
  // If a row has codes and no words, the codes are the words.
  const words = texts.length === 0 ? codes : texts;
  if (codes.length > 0 && codes.length !== words.length) {
    reading.issues.push(issue('list-lengths', rule.codes.split));
    return undefined;
  }
  return words.map((word, at) => {
    const text = word === '' ? (codes[at] ?? '') : word;
    return { text, words: text, code: codes[at] };
  });
}

/** The ICD-10 coding of a word. An invalid code becomes an issue. */
export function icdOf(reading: RowReading, rule: WordsRule, text: string | undefined): Coding | undefined {
  if (text === undefined || text === '' || rule.codes === undefined) return undefined;
  const code = icdCode(text, rule.codes.system);
  if (code !== undefined) return { system: rule.codes.system, code };
  reading.add('icd-code-invalid', rule.codes.split);
  return undefined;
}

/** The date of onset of a word. An invalid date becomes an issue. */
export function onsetOf(reading: RowReading, rule: WordsRule, text: string | undefined): string | undefined {
  if (text === undefined || text === '' || rule.onsets === undefined) return undefined;
  const column = rule.onsets.split;
  const { formats, pivot } = reading.document.columns[column] ?? {};
  const found = readDate(text, formats ?? ['yyyy-MM-dd'], { pivot });
  if (!('date' in found)) {
    reading.issues.push(issue(found.fault, column));
    return undefined;
  }
  if (isAfter(found.date, reading.latest)) reading.issues.push(issue('date-future', column));
  return found.date;
}

/** The ICD-10 codes in the columns of codes. A chunk of rows reads them from the code maps in one statement. */
export const listedCodes = ({ words }: MappingDocument, cells: Cells): Coding[] =>
  words.flatMap((rule) => {
    const { codes } = rule;
    if (codes === undefined || !isIcdSystem(codes.system)) return [];
    const isMixed = codes.split === rule.words.split;
    return splitCell(codes, cells).flatMap((text) => {
      const code = isMixed ? findIcdCode(text, codes.system)?.code : icdCode(text, codes.system);
      return code === undefined ? [] : [{ system: codes.system, code }];
    });
  });
