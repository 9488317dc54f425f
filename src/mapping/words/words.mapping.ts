import type { Coding, Condition, Observation } from '@medplum/fhirtypes';
import { isAfter, readDate, yearsBetween } from '../values/dates.js';
import { splitCell } from '../values/expression.js';
import { icdCode } from '../values/icd.js';
import { foldText } from './folding.js';
import { conditionIdentifier, resultIdentity } from '../values/identity.js';
import { resultText } from '../result.value.js';
import { issue } from '../issue.js';
import type { MappingDocument } from '../mapping.document.js';
import { makeCondition, makeObservation } from '../record.maker.js';
import type { MappingContext, PlannedResult, WaitingWord, WordUse } from '../row.plan.js';
import type { RowReading } from '../row.reading.js';
import { isConceptId, looksLikeCode } from '../values/snomed.id.js';
import { DIABETES, PREGNANCY_STATUS, PREGNANT, type TermAnswer } from './term.js';

/** The facts about the patient of a row that Conditions and Observations need. */
export interface Subject {
  readonly patientKey: string;
  readonly fullUrl: string;
  readonly gender?: 'male' | 'female' | 'other' | 'unknown';
  readonly birthDate?: string;
}

/** The resources that were made from the words of a row, and the words that wait for a decision. */
export interface WordRecords {
  readonly conditions: Map<string, Condition>;
  readonly observations: Map<string, Observation>;
  readonly results: Map<string, PlannedResult>;
  readonly waiting: WaitingWord[];
  readonly uses: WordUse[];
}

type WordsRule = MappingDocument['words'][number];

/** Maps the words of all list columns. If a row contains the same concept twice, the concept gives one resource. */
export function mapWords(reading: RowReading, subject: Subject, context: MappingContext): WordRecords {
  const records: WordRecords = {
    conditions: new Map(),
    observations: new Map(),
    results: new Map(),
    waiting: [],
    uses: [],
  };
  for (const rule of reading.document.words) mapList(reading, rule, subject, context, records);
  checkPregnancy(reading, subject, records);
  return records;
}

function mapList(
  reading: RowReading,
  rule: WordsRule,
  subject: Subject,
  context: MappingContext,
  records: WordRecords,
): void {
  if (reading.isUnreadable(rule.words.split)) return;
  const words = splitCell(rule.words, reading.cells);
  const onsets = rule.onsets === undefined ? [] : splitCell(rule.onsets, reading.cells);
  const codes = rule.codes === undefined ? [] : splitCell(rule.codes, reading.cells);
  // If a row has codes and no words, the codes are the words.
  const texts = words.length === 0 ? codes : words;
  for (const [list, column] of [
    [onsets, rule.onsets?.split],
    [codes, rule.codes?.split],
  ] as const)
    if (list.length > 0 && list.length !== texts.length) {
      reading.issues.push(issue('list-lengths', column));
      return;
    }
  for (const [at, word] of texts.entries()) {
    const text = word === '' ? (codes[at] ?? '') : word;
    if (text === '') continue;
    const onset = onsetOf(reading, rule, onsets[at]);
    const age = subject.birthDate === undefined ? undefined : yearsBetween(subject.birthDate, reading.day);
    const answer = context.lookUp({
      text,
      column: rule.words.split,
      language: rule.language,
      ...(subject.gender === undefined ? {} : { sex: subject.gender }),
      ...(age === undefined ? {} : { age }),
    });
    mapWord(
      reading,
      rule,
      { text, answer, onset, icd: icdOf(reading, rule, codes[at]) },
      subject,
      context,
      records,
    );
  }
}

/** The ICD-10 coding of a word. An invalid code becomes an issue. */
function icdOf(reading: RowReading, rule: WordsRule, text: string | undefined): Coding | undefined {
  if (text === undefined || text === '' || rule.codes === undefined) return undefined;
  const code = icdCode(text);
  if (code !== undefined) return { system: rule.codes.system, code };
  reading.add('icd-code-invalid', rule.codes.split);
  return undefined;
}

function onsetOf(reading: RowReading, rule: WordsRule, text: string | undefined): string | undefined {
  if (text === undefined || text === '' || rule.onsets === undefined) return undefined;
  const column = rule.onsets.split;
  const { formats, pivot } = reading.document.columns[column] ?? {};
  const found = readDate(text, formats ?? ['yyyy-MM-dd'], { pivot });
  if (!('date' in found)) {
    reading.issues.push(issue(found.fault, column));
    return undefined;
  }
  if (isAfter(found.date, reading.day)) reading.issues.push(issue('date-future', column));
  return found.date;
}

interface Word {
  readonly text: string;
  readonly answer: TermAnswer;
  readonly onset: string | undefined;
  readonly icd: Coding | undefined;
}

function mapWord(
  reading: RowReading,
  rule: WordsRule,
  word: Word,
  subject: Subject,
  context: MappingContext,
  records: WordRecords,
): void {
  const { text, answer, onset, icd } = word;
  const column = rule.words.split;
  if (answer.outcome === 'ignored') {
    reading.issues.push(issue('term-ignored', column));
    if (answer.decision !== undefined) records.uses.push({ decision: answer.decision });
    return;
  }
  if (answer.outcome === 'mapped' && answer.target.kind === 'observation') {
    const { code, value } = answer.target;
    addPregnancy(records, reading, subject, context, { code, value: [...value], text });
    noteUse(records, answer, records.observations.get(code.code ?? ''));
    return;
  }
  const coding =
    answer.outcome === 'mapped' && answer.target.kind === 'condition' ? answer.target.coding : undefined;
  const outcome = answer.outcome === 'ambiguous' ? 'ambiguous' : 'unmapped';
  // A word with an ICD-10 code does not wait, unless it is ambiguous.
  const isCoded = coding !== undefined || (icd !== undefined && outcome === 'unmapped');
  if (!isCoded) reading.issues.push(unknownWord(reading, text, answer, column));
  // An ambiguous word waits under every policy. For example, "nega diabetes" ("denies diabetes") as the text of an active Condition would
  // mean the opposite.
  if (!isCoded && (outcome === 'ambiguous' || !isTextOnly(reading))) {
    records.waiting.push({ column, text, language: rule.language, outcome });
    return;
  }
  // Without a code, the folded text identifies the Condition, so another spelling does not create a second Condition.
  const icdKey = icd === undefined ? undefined : `icd:${icd.code ?? ''}`;
  const code = coding?.code ?? icdKey ?? `text:${foldText(text)}`;
  const known = records.conditions.get(code);
  if (known !== undefined) return noteUse(records, answer, known);
  const identifier = conditionIdentifier(context.key, subject.patientKey, code);
  const condition = makeCondition({
    identifier,
    subject: subject.fullUrl,
    text,
    verification: rule.verification,
    recordedDate: context.today,
    codings: [coding, icd].filter((one) => one !== undefined),
    ...(onset === undefined ? {} : { onset }),
  });
  records.conditions.set(code, condition);
  // A list that was imported before its words were known has the identity of the ICD-10 code.
  const earlier =
    coding === undefined || icdKey === undefined
      ? undefined
      : conditionIdentifier(context.key, subject.patientKey, icdKey).value;
  if (earlier !== undefined) records.results.set(identifier.value ?? '', { aliases: [earlier] });
  noteUse(records, answer, condition);
}

/** Notes the record of a word. Two words with the same concept share a record, and a correction of one word keeps this record. */
function noteUse(
  { uses }: WordRecords,
  { decision }: TermAnswer,
  resource: Condition | Observation | undefined,
): void {
  const record = resource?.identifier?.[0]?.value;
  if (resource === undefined || record === undefined) return;
  uses.push({ record, kind: resource.resourceType, ...(decision === undefined ? {} : { decision }) });
}

function unknownWord(reading: RowReading, text: string, answer: TermAnswer, column: string) {
  if (looksLikeCode(text) && !isConceptId(text.trim())) return issue('term-code-invalid', column);
  if (answer.outcome === 'ambiguous') return issue('term-ambiguous', column);
  return issue(isTextOnly(reading) ? 'term-text-only' : 'term-unmapped', column);
}

const isTextOnly = ({ document }: RowReading): boolean => document.policies.unknown_words === 'text_only';

interface CodedAnswer {
  readonly code: NonNullable<Observation['code']['coding']>[number];
  readonly value: NonNullable<Observation['code']['coding']>;
  readonly text: string;
}

function addPregnancy(
  records: WordRecords,
  reading: RowReading,
  subject: Subject,
  context: MappingContext,
  answer: CodedAnswer,
): void {
  const code = answer.code.code ?? '';
  if (records.observations.has(code)) return;
  const time = context.asOf ?? reading.document.as_of;
  const value = { valueCodeableConcept: { coding: answer.value, text: answer.text } };
  const { identifier, aliases } = resultIdentity(context.key, {
    patient: subject.patientKey,
    code,
    time,
    value: resultText(value),
  });
  const observation = makeObservation({
    identifier,
    subject: subject.fullUrl,
    category: 'social-history',
    code: { coding: [answer.code] },
    effective: reading.day,
    value,
  });
  records.observations.set(code, observation);
  const undated = time === undefined ? { undated: true as const } : {};
  records.results.set(identifier.value ?? '', { aliases, ...undated });
}

function checkPregnancy(reading: RowReading, subject: Subject, records: WordRecords): void {
  const observation = records.observations.get(PREGNANCY_STATUS);
  const pregnant = observation?.valueCodeableConcept?.coding?.some(({ code }) => code === PREGNANT) ?? false;
  if (!pregnant) return;
  const column = reading.document.words[0]?.words.split;
  if (subject.gender === 'male') reading.issues.push(issue('pregnant-male', column));
  const age = subject.birthDate === undefined ? undefined : yearsBetween(subject.birthDate, reading.day);
  if (age !== undefined && (age < 10 || age > 60)) reading.issues.push(issue('pregnancy-age', column));
  if (records.conditions.has(DIABETES)) reading.issues.push(issue('pregnancy-diabetes', column));
}
