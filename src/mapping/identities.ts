import type { Identifier } from '@medplum/fhirtypes';
import { issue } from './issue.js';
import type { PatientIdentity } from './row.plan.js';
import type { RowReading } from './row.reading.js';
import { readCpf } from './values/cpf.js';
import { systemOf } from './values/facility.js';
import { type IdentityKey, patientKey } from './values/identity.js';
import {
  isPlaceholder,
  readNationalNumber,
  readRecordNumber,
  type RecordNumber,
} from './values/record.number.js';

const TYPES = 'http://terminology.hl7.org/CodeSystem/v2-0203';

/** An identifier of a row, and its form in the Patient. */
export interface ReadIdentity {
  readonly identity: PatientIdentity;
  readonly identifier: Identifier;
}

/**
 * Reads the identifiers of a row in the order of the mapping. A placeholder such as `N/A` is not an identifier. Invalid identifiers become
 * issues.
 */
export function readIdentities(reading: RowReading, facility: string | undefined): ReadIdentity[] {
  return reading.document.identifiers.flatMap((rule): ReadIdentity[] => {
    const { column, aliases, use, type, kind } = rule;
    const text = reading.cells.get(column);
    if (text === undefined) return [];
    if (isPlaceholder(text, rule.placeholders)) {
      reading.issues.push(issue('identifier-placeholder', column));
      return [];
    }
    const read: RecordNumber =
      kind === 'cpf'
        ? readCpf(text, reading.document.policies.cpf_check_digits, column)
        : kind === 'national'
          ? readNationalNumber(text, column)
          : readRecordNumber(text, column);
    reading.issues.push(...read.issues);
    const { value } = read;
    if (value === undefined) return [];
    const system = systemOf(rule, facility);
    const former = [value, ...(read.former === undefined ? [] : [read.former])]
      .map((each) => ({ system: rule.system, value: each }))
      .filter((each) => each.system !== system || each.value !== value);
    return [
      {
        identity: { system, value, aliases, ...(former.length === 0 ? {} : { former }) },
        identifier: { use, type: { coding: [{ system: TYPES, code: type }] }, system, value },
      },
    ];
  });
}

/** The digest of an identifier. */
export const identityKeyOf = (key: IdentityKey, { system, value }: PatientIdentity): string =>
  patientKey(key, system, value);

/** The digests that earlier versions gave the patient of a row with this main identifier. */
export const formerKeysOf = (key: IdentityKey, { former = [] }: PatientIdentity): string[] =>
  former.map(({ system, value }) => patientKey(key, system, value));
