import { randomInt } from 'node:crypto';
import { hashOf } from '../tokens/tokens.hash.js';

const HOW_MANY = 10;
/** Base32 of Crockford: no letter looks like a digit. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
/** 16 characters have 80 random bits. A plain hash is therefore enough to store a code. */
const CHARACTERS = 16;
const LOOKALIKES: Readonly<Record<string, string>> = { o: '0', i: '1', l: '1' };

/** Creates ten recovery codes, in the form `xxxx-xxxx-xxxx-xxxx`. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: HOW_MANY }, () => {
    const code = Array.from({ length: CHARACTERS }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
    return code.match(/.{4}/g)?.join('-') ?? code;
  });
}

/** The hash of a recovery code. Case, spaces and hyphens do not matter, and the letters o, i and l are read as digits. */
export function recoveryCodeHash(code: string): Buffer {
  const folded = code.toLowerCase().replace(/[^0-9a-z]/g, '');
  return hashOf(folded.replace(/[oil]/g, (letter) => LOOKALIKES[letter] ?? letter));
}
