import type { AllergyIntolerance, CodeableConcept, MedicationStatement, Procedure } from '@medplum/fhirtypes';
import type { MappingContext, PlannedResult } from '../row.plan.js';
import type { RowReading } from '../row.reading.js';
import { splitCell } from '../values/expression.js';
import { recordIdentifier } from '../values/identity.js';
import type { MomentRead } from '../values/times.js';
import { foldText } from '../words/folding.js';
import { isGuarded } from '../words/term.folding.js';
import type { Subject } from '../words/words.mapping.js';
import type { ProceduresRule, StatementsRule } from './record.rules.js';

type Statement = AllergyIntolerance | MedicationStatement | Procedure;

/** The statements of a row, by the value of their record key. */
export interface MappedStatements {
  readonly records: Map<string, Statement>;
  readonly results: Map<string, PlannedResult>;
}

/** Answers that name nothing: a ticked box, or "yes". */
const YES = new Set(['yes', 'sim', 'si', 'oui', 'ja', 'positive', 'positivo', 'true', 'ok']);
const isUnclear = (folded: string): boolean =>
  YES.has(folded) || (folded.match(/[\p{L}\p{N}]/gu) ?? []).length < 2;

/** Words that look like a negation and are part of a name. */
const NAMES = /\b(?:non|nao|no|anti|ex)[\s-]+(?:steroid|esteroid|ester|ionic|inflam)\p{L}*/gu;

/**
 * Makes the allergies, medications and procedures of a row. Their texts are kept as they are written. A text that denies something, doubts
 * it or is about another person gives no record and becomes an issue.
 */
export function mapStatements(
  reading: RowReading,
  subject: Subject,
  context: MappingContext,
): MappedStatements {
  const mapped: MappedStatements = { records: new Map(), results: new Map() };
  const { allergies, medications, procedures } = reading.document;
  const patient = { reference: subject.fullUrl };
  const add = (
    kind: string,
    facts: readonly string[],
    local: readonly string[] | undefined,
    make: (identifier: { system?: string; value?: string }) => Statement,
  ) => {
    const identifierOf = (own: readonly string[]) =>
      recordIdentifier(context.key, [subject.patientKey, kind, ...own]);
    const identifier = identifierOf(facts);
    const key = identifier.value ?? '';
    if (mapped.records.has(key)) return;
    mapped.records.set(key, make(identifier));
    if (local !== undefined) mapped.results.set(key, { aliases: [identifierOf(local).value ?? ''] });
  };
  for (const rule of allergies)
    for (const { text } of itemsOf(reading, rule))
      add('allergy', [foldText(text)], undefined, (identifier) => ({
        resourceType: 'AllergyIntolerance',
        identifier: [identifier],
        // Constraint ait-1 requires a clinical status.
        clinicalStatus: coded('allergyintolerance-clinical', 'active'),
        verificationStatus: coded('allergyintolerance-verification', 'unconfirmed'),
        code: { text },
        patient,
        recordedDate: context.today,
      }));
  for (const rule of medications)
    for (const { text, moment } of itemsOf(reading, rule))
      add('medication', datedFacts(text, moment?.identity), localFacts(text, moment), (identifier) => ({
        resourceType: 'MedicationStatement',
        identifier: [identifier],
        status: 'unknown',
        medicationCodeableConcept: { text },
        subject: patient,
        ...(moment === undefined ? {} : { effectiveDateTime: moment.effective }),
        dateAsserted: context.today,
      }));
  for (const rule of procedures)
    for (const { text, moment } of itemsOf(reading, rule))
      add('procedure', datedFacts(text, moment?.identity), localFacts(text, moment), (identifier) => ({
        resourceType: 'Procedure',
        identifier: [identifier],
        status: statusOf(rule, moment),
        code: { text },
        subject: patient,
        ...(moment === undefined ? {} : { performedDateTime: moment.effective }),
      }));
  return mapped;
}

const coded = (system: string, code: string): CodeableConcept => ({
  coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }],
});

const datedFacts = (text: string, time: string | undefined): string[] => [
  foldText(text),
  ...(time === undefined ? [] : [time]),
];
const localFacts = (text: string, moment: MomentRead | undefined): string[] | undefined =>
  moment?.local === undefined ? undefined : datedFacts(text, moment.local);

const statusOf = ({ status }: ProceduresRule, moment: MomentRead | undefined) =>
  status ?? (moment === undefined ? 'unknown' : 'completed');

interface Item {
  readonly text: string;
  readonly moment: MomentRead | undefined;
}

function itemsOf(reading: RowReading, rule: StatementsRule): Item[] {
  const column = rule.texts.split;
  if (reading.isUnreadable(column)) return [];
  const none = new Set(rule.none.map(foldText));
  const texts = splitCell(rule.texts, reading.cells).filter((text) => {
    if (text === '') return false;
    const folded = foldText(text);
    const isNone = none.has(folded) || none.has(folded.replace(/[.!]+$/u, ''));
    if (isNone) reading.add('text-none', column);
    else if (isUnclear(folded.replace(/[.!]+$/u, ''))) reading.add('text-unclear', column);
    else if (isGuarded(folded.replace(NAMES, ''))) reading.add('text-negated', column);
    else return true;
    return false;
  });
  const date = rule.date === undefined || texts.length === 0 ? undefined : reading.value(rule.date);
  const moment = date === undefined ? undefined : reading.moment(date);
  return texts.map((text) => ({ text, moment }));
}
