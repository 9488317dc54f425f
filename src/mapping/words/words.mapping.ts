import type { Coding, Condition, Observation } from '@medplum/fhirtypes';
import { yearsBetween } from '../values/dates.js';
import { splitCell } from '../values/expression.js';
import { foldText } from './folding.js';
import { conditionIdentifier, resultIdentity } from '../values/identity.js';
import { resultText } from '../result.value.js';
import { issue } from '../issue.js';
import { makeCondition, makeObservation } from '../record.maker.js';
import type { MappingContext, PlannedResult, WaitingWord, WordUse } from '../row.plan.js';
import type { RowReading } from '../row.reading.js';
import { icdCode } from '../values/icd.js';
import { isConceptId, looksLikeCode } from '../values/snomed.id.js';
import { isIcdSystem } from './code.map.js';
import { contradicts } from './icd.of.concepts.js';
import { icdOf, listedWords, type ListedWord, onsetOf, type WordsRule } from './listed.words.js';
import { DIABETES, PREGNANCY_STATUS, PREGNANT, SNOMED, type TermAnswer, type TermTarget } from './term.js';

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
  const items = listedWords(reading, rule);
  const onsets = rule.onsets === undefined ? [] : splitCell(rule.onsets, reading.cells);
  if (items === undefined) return;
  if (onsets.length > 0 && onsets.length !== items.length) {
    reading.issues.push(issue('list-lengths', rule.onsets?.split));
    return;
  }
  for (const [at, { text, words, code }] of items.entries()) {
    if (text === '') continue;
    const onset = onsetOf(reading, rule, onsets[at]);
    const age = subject.birthDate === undefined ? undefined : yearsBetween(subject.birthDate, reading.day);
    const answer = context.lookUp({
      text: words,
      column: rule.words.split,
      language: rule.language,
      ...(subject.gender === undefined ? {} : { sex: subject.gender }),
      ...(age === undefined ? {} : { age }),
    });
    const icd = icdOf(reading, rule, code);
    mapWord(reading, rule, { text, words, answer, onset, icd }, subject, context, records);
  }
}

interface Word extends ListedWord {
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
  const { text, words, answer, onset, icd } = word;
  const column = rule.words.split;
  if (answer.outcome === 'ignored') {
    reading.issues.push(issue('term-ignored', column));
    if (answer.decision !== undefined) records.uses.push({ decision: answer.decision });
    return;
  }
  if (answer.outcome === 'mapped' && isContradicted(answer.target, icd)) {
    reading.issues.push(issue('icd-code-contradicts', rule.codes?.split ?? column));
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
  // The letter of a code is no word. For example, the N of N18.3 does not mean "não".
  const outcome = answer.outcome === 'ambiguous' && icdCode(words) === undefined ? 'ambiguous' : 'unmapped';
  // A word with an ICD-10 code does not wait, unless it is ambiguous.
  const isCoded = coding !== undefined || (icd !== undefined && outcome === 'unmapped');
  if (!isCoded) reading.issues.push(unknownWord(reading, words, answer, column));
  // An ambiguous word waits under every policy. For example, "nega diabetes" ("denies diabetes") as the text of an active Condition would
  // mean the opposite.
  if (!isCoded && (outcome === 'ambiguous' || !isTextOnly(reading))) {
    records.waiting.push({ column, text: words, language: rule.language, outcome });
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
    codings: distinct([
      coding,
      icd,
      coding?.system === SNOMED ? undefined : mappedCode(reading, context, rule, icd),
    ]),
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

/** Whether the ICD-10 code of a word says something else than the word. Then one of them is wrong, and nobody knows which one. */
function isContradicted(target: TermTarget, icd: Coding | undefined): boolean {
  if (icd?.code === undefined || icd.system === undefined || !isIcdSystem(icd.system)) return false;
  const codings = target.kind === 'condition' ? [target.coding] : target.value;
  return codings.some(({ system, code }) => system === SNOMED && contradicts(code ?? '', icd.code ?? ''));
}

/** The SNOMED CT coding that the loaded maps give for an ICD-10 code. Several concepts for the code become an issue. */
function mappedCode(
  reading: RowReading,
  context: MappingContext,
  rule: WordsRule,
  icd: Coding | undefined,
): Coding | undefined {
  if (icd?.system === undefined || !isIcdSystem(icd.system)) return undefined;
  const answer = context.codes?.(icd);
  if (answer?.outcome === 'ambiguous') reading.add('icd-code-ambiguous', rule.codes?.split);
  return answer?.outcome === 'mapped' ? answer.coding : undefined;
}

/** The codings without repetition. A person can have decided that a code is itself. */
const distinct = (codings: readonly (Coding | undefined)[]): Coding[] =>
  codings.filter(
    (one, at): one is Coding =>
      one !== undefined &&
      codings.findIndex((other) => other?.system === one.system && other?.code === one.code) === at,
  );

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
