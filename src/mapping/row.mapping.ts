import { choosePatient } from './records/chosen.patient.js';
import { formerKeysOf, identityKeyOf, readIdentities } from './identities.js';
import { type Cells, readTables, type Tables } from './values/expression.js';
import { isFormula, withoutTextFormula } from './values/formula.js';
import { isGarbled } from './values/garbled.text.js';
import { foldText } from './words/folding.js';
import { steadyUuid } from './values/identity.js';
import { issue, rejects } from './issue.js';
import type { MappingDocument } from './mapping.document.js';
import { mapMeasurements } from './measurements.mapping.js';
import { mapFurther } from './records/further.mapping.js';
import {
  type PatientRecord,
  recordKey,
  recordsOf,
  recordUrl,
  withReferences,
} from './records/record.kinds.js';
import { withMetadata } from './records/resource.metadata.js';
import { makePatient } from './patient.maker.js';
import { personDigest } from './person.js';
import { separatePlan } from './separation.js';
import type { MappingContext, PlannedResult, RowOutcome, RowPlan } from './row.plan.js';
import { RowReading } from './row.reading.js';
import { mapWords, type Subject } from './words/words.mapping.js';
import { dayAfter } from './values/dates.js';

/**
 * Control characters that a FHIR string must not contain. TAB, LF and CR are allowed (R4 §2.24.0.1). The pattern does not match NUL,
 * because NUL has its own issue code.
 */
const CONTROL = /(?![\t\n\r\0])\p{Cc}/u;

const tablesOf = new WeakMap<MappingDocument, Tables>();

/**
 * Maps a row to FHIR resources. `row` maps the column names of the document to cells. The same arguments always give the same outcome.
 * Issues contain no data of a cell.
 */
export function mapRow(document: MappingDocument, row: Cells, context: MappingContext): RowOutcome {
  const tables = tablesOf.get(document) ?? readTables(document.tables);
  tablesOf.set(document, tables);
  const day = context.asOf ?? document.as_of ?? context.today;
  // `today` is the day in UTC. East of it, the next day has already begun.
  const latest = context.asOf ?? document.as_of ?? dayAfter(context.today);
  const reading = new RowReading(document, tables, trimmed(row), day, latest);
  checkColumns(reading);
  const found = readIdentities(reading, context.facility);
  const [first] = found;
  if (first === undefined && !rejects(reading.issues))
    reading.issues.push(issue('identifier-missing', document.identifiers[0]?.column));
  const patient = makePatient(reading);
  if (first === undefined) return { outcome: 'rejected', issues: reading.issues, unknown: [] };

  const key = identityKeyOf(context.key, first.identity);
  const fullUrl = `urn:uuid:${steadyUuid(key)}`;
  const { gender, birthDate } = patient;
  const subject: Subject = {
    patientKey: key,
    fullUrl,
    ...(gender === undefined ? {} : { gender }),
    ...(birthDate === undefined ? {} : { birthDate }),
  };
  const words = mapWords(reading, subject, context);
  const measured = mapMeasurements(reading, subject, context);
  const listed = mapFurther(reading, subject, context);
  if (rejects(reading.issues)) return { outcome: 'rejected', issues: reading.issues, unknown: words.waiting };
  const { resourceType, meta, extension, ...rest } = patient;
  const identityKeys = [key, ...found.slice(1).map(({ identity }) => identityKeyOf(context.key, identity))];
  const visit = listed.visit === undefined ? undefined : recordUrl(recordKey(listed.visit));
  const placed = <Kind extends PatientRecord>(record: Kind) =>
    withMetadata(visit === undefined ? record : withReferences(record, fullUrl, visit), document);
  const made = {
    conditions: [...words.conditions.values()].map(placed),
    observations: [...words.observations.values(), ...measured.observations].map(placed),
    ...(listed.further.length === 0 ? {} : { further: listed.further.map(placed) }),
  };
  const records = recordsOf(made);
  const results = Object.fromEntries([...words.results, ...measured.results, ...listed.results]);
  const former = formerKeysOf(context.key, first.identity).map((earlier) => {
    const again = new RowReading(document, tables, reading.cells, day, latest);
    const earlierSubject = { ...subject, patientKey: earlier };
    const earlierWords = mapWords(again, earlierSubject, context);
    const earlierResults = mapMeasurements(again, earlierSubject, context);
    const earlierListed = mapFurther(again, earlierSubject, context);
    return {
      records: [
        ...earlierWords.conditions.values(),
        ...earlierWords.observations.values(),
        ...earlierResults.observations,
        ...earlierListed.further,
      ],
      results: new Map([...earlierWords.results, ...earlierResults.results, ...earlierListed.results]),
    };
  });
  const person = personDigest(context.key, identityKeys, patient);
  const plan: RowPlan = {
    patientKey: key,
    identityKeys,
    fullUrl,
    person,
    identities: [first.identity, ...found.slice(1).map(({ identity }) => identity)],
    patient: withMetadata(
      {
        resourceType,
        ...(meta === undefined ? {} : { meta }),
        ...(extension === undefined ? {} : { extension }),
        identifier: found.map(({ identifier }) => identifier),
        ...rest,
      },
      document,
    ),
    ...made,
    results,
    ...(former.length === 0 ? {} : formerRecordsOf(records, results, former)),
    waiting: words.waiting,
    uses: words.uses,
  };
  const disputed = context.separated?.get(person);
  const chosen = context.chosen?.get(person);
  if (disputed === undefined) {
    const own = chosen === undefined ? plan : choosePatient(plan, chosen, context.key);
    return { outcome: 'planned', issues: reading.issues, plan: own };
  }
  const issues = [...reading.issues, issue('identity-separated')];
  return { outcome: 'planned', issues, plan: separatePlan(plan, disputed, context.key) };
}

const valueOf = (record: PatientRecord | undefined) => (record === undefined ? '' : recordKey(record));

type Records = readonly PatientRecord[];

/**
 * The identifiers of the same records in earlier versions. Each list of `former` has the records in the order of `records`. The aliases of
 * earlier results are added to the aliases of the results.
 */
function formerRecordsOf(
  records: Records,
  results: RowPlan['results'],
  former: readonly { readonly records: Records; readonly results: ReadonlyMap<string, PlannedResult> }[],
): Pick<RowPlan, 'formerRecords' | 'results'> {
  const earlier = records.map((record, at) => {
    const values = former.map((one) => valueOf(one.records[at])).filter((value) => value !== '');
    const aliases = former.flatMap((one) => one.results.get(valueOf(one.records[at]))?.aliases ?? []);
    return { value: valueOf(record), values, aliases };
  });
  const aliased = earlier.flatMap(({ value, aliases }): [string, PlannedResult][] => {
    const result = results[value];
    return result === undefined ? [] : [[value, { ...result, aliases: [...result.aliases, ...aliases] }]];
  });
  return {
    formerRecords: Object.fromEntries(earlier.map(({ value, values }) => [value, values])),
    results: { ...results, ...Object.fromEntries(aliased) },
  };
}

function trimmed(row: Cells): Cells {
  const cells = [...row].map(([column, text]): [string, string] => [
    column,
    withoutTextFormula(text.trim()).trim(),
  ]);
  return new Map(cells.filter(([, text]) => text !== ''));
}

function checkColumns(reading: RowReading): void {
  for (const [column, rule] of Object.entries(reading.document.columns)) {
    const text = reading.cells.get(column);
    if (text === undefined) {
      if (rule.required) reading.issues.push(issue('required-missing', column));
      continue;
    }
    if (text.includes('\0')) reading.issues.push(issue('cell-nul', column));
    if (CONTROL.test(text)) reading.issues.push(issue('cell-control', column));
    if (text.includes('\uFFFD')) reading.issues.push(issue('cell-undecodable', column));
    if (isGarbled(text)) reading.issues.push(issue('cell-garbled', column));
    if (isFormula(text)) reading.issues.push(issue('cell-formula', column));
    for (const validator of rule.validators) {
      const { severity } = validator;
      if (validator.rule === 'max_length' && text.length > validator.value)
        reading.issues.push(issue('cell-too-long', column, severity));
      if (validator.rule === 'one_of' && !validator.values.map(foldText).includes(foldText(text)))
        reading.issues.push(issue('value-not-listed', column, severity));
    }
  }
}
