import type { Condition, Identifier, Observation } from '@medplum/fhirtypes';
import { canonicalJson } from './canonical.json.js';
import { RECORD_KEY_SYSTEM } from './values/identity.js';

/**
 * The identifier system for Conditions and Observations that a corrected decision has withdrawn. Their record key moves to this system, so
 * that a later import does not find a withdrawn record in place of a valid one.
 */
export const WITHDRAWN_KEY_SYSTEM = 'urn:radgate:withdrawn-record-key';

const VERIFICATION = 'http://terminology.hl7.org/CodeSystem/condition-ver-status';
const ERROR = 'entered-in-error';

/**
 * Marks a record as `entered-in-error`. Its content is kept, except for the elements that R4 forbids in this state: the clinical status
 * (constraint con-5) and, without a clinical status, the abatement (constraint con-4).
 */
export function withdraw<Kind extends Condition | Observation>(record: Kind): Kind;
export function withdraw(record: Condition | Observation): Condition | Observation {
  const identifier = (record.identifier ?? []).map(withdrawKey);
  if (record.resourceType === 'Observation') return { ...record, identifier, status: ERROR };
  const {
    clinicalStatus: _status,
    abatementDateTime: _time,
    abatementAge: _age,
    abatementPeriod: _period,
    abatementRange: _range,
    abatementString: _text,
    ...kept
  } = record;
  return {
    ...kept,
    identifier,
    verificationStatus: { coding: [{ system: VERIFICATION, code: ERROR }] },
  };
}

const withdrawKey = (identifier: Identifier): Identifier =>
  identifier.system === RECORD_KEY_SYSTEM
    ? { ...identifier, use: 'old', system: WITHDRAWN_KEY_SYSTEM }
    : identifier;

/** Whether two records have the same codes. The names of the concepts and the text do not count. */
export const hasSameCodes = (one: Condition | Observation, other: Condition | Observation): boolean =>
  codesOf(one) === codesOf(other);

function codesOf(record: Condition | Observation): string {
  const value = record.resourceType === 'Observation' ? record.valueCodeableConcept?.coding : [];
  const codings = [record.code?.coding ?? [], value ?? []];
  return canonicalJson([
    record.resourceType,
    codings.map((of) => of.map(({ system, code }) => [system, code])),
  ]);
}
