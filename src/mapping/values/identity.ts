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

/** The business identifier of a Condition or Observation. The same facts always give the same identifier. */
export function recordIdentifier(
  key: IdentityKey,
  patient: string,
  kind: 'condition' | 'observation',
  code: string,
  asOf?: string,
): Identifier {
  const facts = asOf === undefined ? [patient, kind, code] : [patient, kind, code, asOf];
  return { system: RECORD_KEY_SYSTEM, value: keyedDigest(key, facts) };
}

/** A UUID (RFC 9562, version 8) that is derived from a text. It is used in the `fullUrl` of bundle entries. */
export function steadyUuid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) % 4);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
