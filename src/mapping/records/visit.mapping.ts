import type { Coding, Encounter, Period } from '@medplum/fhirtypes';
import { issue } from '../issue.js';
import type { MappingContext, PlannedResult } from '../row.plan.js';
import type { RowReading } from '../row.reading.js';
import { recordIdentifier } from '../values/identity.js';
import type { MomentRead } from '../values/times.js';
import { foldText } from '../words/folding.js';
import type { Subject } from '../words/words.mapping.js';

const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const NULL_FLAVOR = 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor';

const CODES = ['AMB', 'EMER', 'FLD', 'HH', 'IMP', 'ACUTE', 'NONACUTE', 'OBSENC', 'PRENC', 'SS', 'VR'];
const WORDS: Readonly<Record<string, string>> = {
  AMB: 'outpatient ambulatory clinic ambulatorio ambulatorial ambulatoire ambulant consulta consultation externo',
  IMP: 'inpatient hospital admission internado internada internacao hospitalizado hospitalizacion hospitalise stationar ingreso',
  EMER: 'emergency er ed emergencia urgencia urgence urgences urgencias notfall pronto-socorro',
  HH: 'home domicilio domiciliar',
  VR: 'virtual telehealth telemedicine telemedicina teleconsulta',
};
const CLASSES: ReadonlyMap<string, string> = new Map([
  ...CODES.map((code): [string, string] => [foldText(code), code]),
  ...Object.entries(WORDS).flatMap(([code, words]) =>
    words.split(' ').map((word): [string, string] => [word, code]),
  ),
]);

/** The visit of a row, and what is known about it besides its resource. */
export interface MappedVisit {
  readonly encounter: Encounter;
  readonly result: PlannedResult;
}

/**
 * Makes the Encounter of a row. The identity is the patient with the number of the visit, or with its start if there is no number. A row
 * without both has no visit.
 */
export function mapVisit(
  reading: RowReading,
  subject: Subject,
  context: MappingContext,
): MappedVisit | undefined {
  const { visit } = reading.document;
  if (visit === undefined) return undefined;
  const value = (rule: typeof visit.start) => (rule === undefined ? undefined : reading.value(rule));
  const [number, startCell, endCell] = [value(visit.number), value(visit.start), value(visit.end)];
  const start = startCell === undefined ? undefined : reading.moment(startCell);
  const end = endCell === undefined ? undefined : reading.moment(endCell);
  if (number === undefined && start === undefined) {
    if (endCell !== undefined) reading.add('visit-incomplete', endCell.column);
    return undefined;
  }
  const reason = value(visit.reason)?.text;
  const identity = [
    'encounter',
    ...(number === undefined ? ['start', start?.identity ?? ''] : ['number', number.text]),
  ];
  const own = recordIdentifier(context.key, [subject.patientKey, ...identity]);
  // Before the mapping had a zone, the local time was the identity.
  const earlier =
    number === undefined && start?.local !== undefined
      ? recordIdentifier(context.key, [subject.patientKey, 'encounter', 'start', start.local]).value
      : undefined;
  const period = periodOf(reading, start, end, endCell?.column);
  const encounter: Encounter = {
    resourceType: 'Encounter',
    identifier: [
      own,
      ...(number === undefined || visit.system === undefined
        ? []
        : [{ system: visit.system, value: number.text }]),
    ],
    status: end === undefined ? 'unknown' : 'finished',
    class: classOf(reading),
    subject: { reference: subject.fullUrl },
    ...(period === undefined ? {} : { period }),
    ...(reason === undefined ? {} : { reasonCode: [{ text: reason }] }),
  };
  return { encounter, result: { aliases: earlier === undefined ? [] : [earlier] } };
}

/** The period of a visit. An end before the start is left out. */
function periodOf(
  reading: RowReading,
  start: MomentRead | undefined,
  end: MomentRead | undefined,
  column: string | undefined,
): Period | undefined {
  if (start === undefined && end === undefined) return undefined;
  if (start === undefined) return { end: end?.effective ?? '' };
  if (end === undefined) return { start: start.effective };
  const [first, last] = [start, end].map(({ effective }) => effective);
  const isSamePrecision = first?.length === last?.length || (first?.includes('T') && last?.includes('T'));
  const [from, to] = isSamePrecision
    ? [momentOf(start.effective), momentOf(end.effective)]
    : [dayOf(start), dayOf(end)];
  if (from > to) {
    reading.issues.push(issue('visit-dates', column));
    return { start: start.effective };
  }
  // A date and a time on this date cannot be compared (constraint per-1), so the end is not written.
  if (!isSamePrecision && from === to) return { start: start.effective };
  return { start: start.effective, end: end.effective };
}

const momentOf = (effective: string): string | number =>
  effective.includes('T') ? Date.parse(effective) : effective;
const dayOf = ({ effective }: MomentRead): string => effective.slice(0, 10);

/** The class of a visit. R4 requires it, so an unknown class has the code UNK. */
function classOf(reading: RowReading): Coding {
  const rule = reading.document.visit?.class;
  const found = rule === undefined ? undefined : reading.value(rule);
  const code = found === undefined ? undefined : CLASSES.get(foldText(found.text));
  if (code !== undefined) return { system: ACT_CODE, code };
  if (found !== undefined) reading.add('visit-class-unknown', found.column);
  return { system: NULL_FLAVOR, code: 'UNK', display: 'unknown' };
}

/** Whether a class says nothing. */
export const isUnknownClass = ({ system }: Coding): boolean => system === NULL_FLAVOR;
