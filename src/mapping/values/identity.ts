import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Identifier } from '@medplum/fhirtypes';

/** The identifier system for Conditions and Observations that imports create. */
export const RECORD_KEY_SYSTEM = 'urn:radgate:record-key';

/** The secret key of the digests, at least 32 bytes. The key is used only for this purpose. */
export type IdentityKey = Uint8Array;

// Cache the key object, because creating it takes five times as long as one digest.
const keyObjects = new WeakMap<IdentityKey, KeyObject>();

/**
 * A keyed digest of some facts (HMAC-SHA-256 as 43 characters of base64url). A hash without a key would not protect a CPF, because an
 * attacker could try all numbers. The facts are encoded as JSON, so different facts never give the same text.
 */
export function keyedDigest(key: IdentityKey, facts: readonly string[]): string {
  const secret = keyObjects.get(key) ?? createSecretKey(key);
  keyObjects.set(key, secret);
  return createHmac('sha256', secret).update(JSON.stringify(facts)).digest('base64url');
}

/** The key of a patient, from one identifier. It is used for locks and to find duplicate rows. */
export const patientKey = (key: IdentityKey, system: string, value: string): string =>
  keyedDigest(key, ['patient', system, value]);

/** The business identifier of a Condition. The same facts always give the same identifier. */
export const conditionIdentifier = (key: IdentityKey, patient: string, code: string): Identifier =>
  recordIdentifier(key, [patient, 'condition', code]);

/** The facts that identify a result of a patient. */
export interface ResultFacts {
  readonly patient: string;
  readonly code: string;
  /** When the result was taken (`MomentRead.identity`), or the day that the list describes. Missing when neither is known. */
  readonly time?: string | undefined;
  /** The local time without its zone, if the list was imported before its mapping had a zone. */
  readonly local?: string | undefined;
  /** The number of the order. */
  readonly order?: string | undefined;
  /** The specimen: its number, or its kind if it has no number. */
  readonly specimen?: { readonly text: string; readonly isNumber: boolean } | undefined;
  /** The value as a text. It identifies only a result without a time, an order and the number of a specimen. */
  readonly value: string;
}

/** The business identifier of an Observation, and the values of the identifiers that earlier versions gave the same result. */
export interface ResultIdentity {
  readonly identifier: Identifier;
  readonly aliases: readonly string[];
}

/**
 * The identity of a result: patient, code and time, and the order and the specimen if they are known. A result without a time is identified
 * by its value, so another value is another result. Earlier versions used neither the order, the specimen nor the value.
 */
export function resultIdentity(key: IdentityKey, facts: ResultFacts): ResultIdentity {
  const { patient, code, time, local, order, specimen, value } = facts;
  const result = [patient, 'observation', code];
  const dated = [...result, ...(time === undefined ? [] : [time])];
  const zoneless = local === undefined ? [] : [[...result, local]];
  const identified = (own: readonly string[], earlier: readonly (readonly string[])[]): ResultIdentity => ({
    identifier: recordIdentifier(key, own),
    aliases: earlier.flatMap((one) => recordIdentifier(key, one).value ?? []),
  });
  const ordered = order === undefined ? [] : ['order', order];
  const marks = [...ordered, ...(specimen === undefined ? [] : ['specimen', specimen.text])];
  const own = [...dated, ...marks];
  const isNumbered = order !== undefined || specimen?.isNumber === true;
  if (time === undefined && !isNumbered)
    return identified(
      [...own, 'undated', value],
      [...(marks.length === 0 ? [] : [[...dated, 'undated', value]]), dated],
    );
  if (marks.length === 0) return identified(own, zoneless);
  const withoutSpecimen = specimen === undefined || order === undefined ? [] : [[...dated, ...ordered]];
  return identified(own, [
    ...zoneless.map((one) => [...one, ...marks]),
    ...withoutSpecimen,
    dated,
    ...zoneless,
  ]);
}

/** The business identifier of a record. The same facts always give the same identifier. */
export const recordIdentifier = (key: IdentityKey, facts: readonly string[]): Identifier => ({
  system: RECORD_KEY_SYSTEM,
  value: keyedDigest(key, facts),
});

/** A UUID (RFC 9562, version 8) that is derived from a text. It is used in the `fullUrl` of bundle entries. */
export function steadyUuid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) % 4);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
