import type { PlacedColumn } from './column.choice.js';
import type { ListLanguage } from './header.dictionary.js';
import { separatorsOf, WORD_LANGUAGES } from './known.words.js';
import { type Question, question } from './question.js';

/** The code system of ICD-10. Brazil, the United States and Germany have their own versions (CID-10, ICD-10-CM, ICD-10-GM). */
const ICD10 = 'http://hl7.org/fhir/sid/icd-10';
const ICD10_CM = 'http://hl7.org/fhir/sid/icd-10-cm';
const ICD10_OF_COUNTRY = new Map([
  ['BR', 'http://www.saude.gov.br/fhir/r4/CodeSystem/BRCID10'],
  ['US', ICD10_CM],
  ['DE', 'http://fhir.de/CodeSystem/bfarm/icd-10-gm'],
]);
/** A code with three or four characters after the point, as in J45.909, exists only in ICD-10-CM. */
const LONG_CODE = /(?<![\p{L}\d])[A-Z]\d[\dA-Z]\.[\dA-Z]{3,4}(?![\p{L}\d])/u;

const hasLongCode = ({ profile }: PlacedColumn): boolean =>
  [...profile.distinct.keys()].some((text) => LONG_CODE.test(text));

/** The rules for the diagnoses of a list, and the questions about them. */
export function draftWords(columns: readonly PlacedColumn[], language: ListLanguage, country: string) {
  const texts = columns.filter(({ meaning }) => meaning === 'diagnoses');
  const codes = columns.filter(({ meaning }) => meaning === 'diagnosis_code');
  const onset = columns.find(({ meaning }) => meaning === 'onset');
  const system = ICD10_OF_COUNTRY.get(country) ?? ([...texts, ...codes].some(hasLongCode) ? ICD10_CM : ICD10);
  const spoken = WORD_LANGUAGES.find((one) => one === language);
  const words: object[] = [];
  const questions: Question[] = [];
  const count = Math.max(texts.length, codes.length);
  for (let at = 0; at < count; at += 1) {
    const [text, code] = [texts[at], codes[at]];
    const main = text ?? code;
    if (main === undefined) continue;
    const by = separatorsOf(main.profile, spoken === undefined ? WORD_LANGUAGES : [spoken]);
    const hasCodes = (main.profile.shapes.get('icd') ?? 0) > 0;
    const coded = code ?? (hasCodes ? text : undefined);
    words.push({
      words: { split: main.field, by },
      ...(onset === undefined || at > 0 ? {} : { onsets: { split: onset.field, by } }),
      ...(coded === undefined
        ? {}
        : { codes: { split: coded.field, by: separatorsOf(coded.profile, WORD_LANGUAGES), system } }),
      language: spoken ?? 'en',
    });
    if (spoken === undefined && text !== undefined)
      questions.push(
        question('words-language', ['words', words.length - 1, 'language'], {
          column: text.header,
          choices: WORD_LANGUAGES.map((value) => ({ label: value, value })),
        }),
      );
  }
  return { words, questions };
}
