import type { Identifier } from '@medplum/fhirtypes';
import { readCpf, isScientific } from './values/cpf.js';
import { type Cells, readTables, type Tables } from './values/expression.js';
import { isFormula, withoutTextFormula } from './values/formula.js';
import { isGarbled } from './values/garbled.text.js';
import { foldText } from './words/folding.js';
import { patientKey, steadyUuid } from './values/identity.js';
import { issue, rejects } from './issue.js';
import type { MappingDocument } from './mapping.document.js';
import { mapMeasurements } from './measurements.mapping.js';
import { makePatient } from './patient.maker.js';
import type { MappingContext, PatientIdentity, RowOutcome } from './row.plan.js';
import { RowReading } from './row.reading.js';
import { mapWords, type Subject } from './words/words.mapping.js';

const TYPES = 'http://terminology.hl7.org/CodeSystem/v2-0203';
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
  const reading = new RowReading(document, tables, trimmed(row), day);
  checkColumns(reading);
  const found = readIdentities(reading);
  const [first] = found;
  if (first === undefined && !rejects(reading.issues))
    reading.issues.push(issue('identifier-missing', document.identifiers[0]?.column));
  const patient = makePatient(reading);
  if (first === undefined) return { outcome: 'rejected', issues: reading.issues, unknown: [] };

  const keyOf = ({ identity }: ReadIdentity) => patientKey(context.key, identity.system, identity.value);
  const key = keyOf(first);
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
  if (rejects(reading.issues)) return { outcome: 'rejected', issues: reading.issues, unknown: words.waiting };
  const { resourceType, meta, extension, ...rest } = patient;
  return {
    outcome: 'planned',
    issues: reading.issues,
    plan: {
      patientKey: key,
      identityKeys: [key, ...found.slice(1).map(keyOf)],
      fullUrl,
      identities: [first.identity, ...found.slice(1).map(({ identity }) => identity)],
      patient: {
        resourceType,
        ...(meta === undefined ? {} : { meta }),
        ...(extension === undefined ? {} : { extension }),
        identifier: found.map(({ identifier }) => identifier),
        ...rest,
      },
      conditions: [...words.conditions.values()],
      observations: [...words.observations.values(), ...measured.observations],
      results: { ...Object.fromEntries(words.results), ...Object.fromEntries(measured.results) },
      waiting: words.waiting,
      uses: words.uses,
    },
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

interface ReadIdentity {
  readonly identity: PatientIdentity;
  readonly identifier: Identifier;
}

function readIdentities(reading: RowReading): ReadIdentity[] {
  return reading.document.identifiers.flatMap((rule): ReadIdentity[] => {
    const text = reading.cells.get(rule.column);
    if (text === undefined) return [];
    const { value, issues } =
      rule.kind === 'cpf'
        ? readCpf(text, reading.document.policies.cpf_check_digits, rule.column)
        : readTextIdentifier(text, rule.column);
    reading.issues.push(...issues);
    if (value === undefined) return [];
    const { system, aliases, use, type } = rule;
    return [
      {
        identity: { system, value, aliases },
        identifier: { use, type: { coding: [{ system: TYPES, code: type }] }, system, value },
      },
    ];
  });
}

function readTextIdentifier(text: string, column: string): ReturnType<typeof readCpf> {
  if (isScientific(text)) return { issues: [issue('identifier-scientific', column)] };
  if (text.length > 128) return { issues: [issue('cell-too-long', column)] };
  return { value: text, issues: [] };
}
