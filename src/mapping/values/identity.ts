import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Identifier } from '@medplum/fhirtypes';

/** The identifier system of keys that were made here. */
export const RECORD_KEY_SYSTEM = 'urn:radgate:record-key';

/** The key that hides who is meant, 32 bytes or more; a secret of its own. */
export type IdentityKey = Uint8Array;

// Handing over raw bytes each time costs five times the digest.
const prepared = new WeakMap<IdentityKey, KeyObject>();

/**
 * A keyed digest (HMAC-SHA-256, 43 letters of base64url) of facts. A bare hash of a CPF would be found in seconds by trying all
 * of them. The facts are framed as JSON, so that no two lists meet in one text.
 */
export function keyedDigest(key: IdentityKey, facts: readonly string[]): string {
  const secret = prepared.get(key) ?? createSecretKey(key);
  prepared.set(key, secret);
  return createHmac('sha256', secret).update(JSON.stringify(facts)).digest('base64url');
}

/** Who a patient is, as a key for lanes and duplicates. */
export const patientKey = (key: IdentityKey, system: string, value: string): string =>
  keyedDigest(key, ['patient', system, value]);

/** The business identifier of a Condition or Observation: the same facts always give the same one. */
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

/** A UUID (RFC 9562, version 8) that always is the same for the same text: the `fullUrl` of bundle entries. */
export function steadyUuid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) % 4);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
