import { createHmac } from 'node:crypto';

/** UIDs that DICOM registers, such as SOP classes and transfer syntaxes (PS3.6 Annex A). They identify nobody. */
const REGISTERED = /^1\.2\.840\.10008\.(?:[1-8]|15)(?:\.\d{1,4}){0,8}$/;
const MOST_DAYS = 3650;
/** The most UIDs that are remembered. A data set repeats few UIDs very often. */
const MOST_REMEMBERED = 1000;

/**
 * The pseudonyms of one audience. All of them are keyed hashes: the same value always gets the same pseudonym from one key, and another
 * audience with another key gets other pseudonyms. Nobody can compute a value from its pseudonym, or guess it, without the key.
 */
export class Pseudonyms {
  readonly #key: Buffer;
  readonly #uids = new Map<string, string>();

  /** `key`: 32 secret bytes that belong to this audience alone. */
  constructor(key: Buffer) {
    this.#key = key;
  }

  /** The pseudonym of a UID in the form `2.25.` and a number of 128 bits (PS3.5 §B.2). Registered UIDs do not change. */
  uid(uid: string): string {
    if (REGISTERED.test(uid)) return uid;
    const known = this.#uids.get(uid);
    if (known !== undefined) return known;
    const pseudonym = `2.25.${BigInt(`0x${this.#hash('uid', uid).toString('hex', 0, 16)}`)}`;
    if (this.#uids.size >= MOST_REMEMBERED) this.#uids.clear();
    this.#uids.set(uid, pseudonym);
    return pseudonym;
  }

  /** The pseudonym of a patient, for Patient ID and Patient's Name. It has 16 characters. */
  patient(issuer: string, patientId: string): string {
    return `P${this.#hash('patient', issuer, patientId).toString('hex', 0, 8).slice(0, 15).toUpperCase()}`;
  }

  /** The number of days by which the dates of a patient are moved: 1 to 3,650 days into the past. */
  days(issuer: string, patientId: string): number {
    return -1 - (this.#hash('days', issuer, patientId).readUInt32LE(0) % MOST_DAYS);
  }

  #hash(...parts: readonly string[]): Buffer {
    return createHmac('sha256', this.#key).update(JSON.stringify(parts)).digest();
  }
}
