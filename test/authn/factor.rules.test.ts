import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { relyingPartyOf } from '../../src/authn/second-factor/passkeys.js';
import { newRecoveryCodes, recoveryCodeHash } from '../../src/authn/second-factor/recovery.codes.js';
import { newTotpSecret, totpStepOf, totpUriOf } from '../../src/authn/second-factor/totp.js';

const SECRET = Buffer.from('12345678901234567890');

describe('a TOTP code', () => {
  // RFC 6238, appendix B, with the last six digits.
  it.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ])('at %i s is %s, and is accepted one step earlier and later', (seconds, code) => {
    const step = Math.floor(seconds / 30);
    for (const [off, expected] of [
      [-60, undefined],
      [-30, step],
      [0, step],
      [30, step],
      [60, undefined],
    ] as const)
      expect(totpStepOf(SECRET, code, (seconds + off) * 1000)).toBe(expected);
  });

  it.each(['', '28708', '2870822', '28708a', '२८७०८२', ' 287082'])('is not %j', (code) =>
    expect(totpStepOf(SECRET, code, 59_000)).toBeUndefined(),
  );

  it('has a secret of 160 bits, with which an app computes the same codes', () => {
    const { secret, uri } = totpUriOf(SECRET, 'Radgate', 'Ärztin: A');
    expect(newTotpSecret()).toHaveLength(20);
    expect(secret).toBe('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ');
    expect(new URL(uri).searchParams.get('secret')).toBe(secret);
    expect(uri).toMatch(/^otpauth:\/\/totp\/Radgate:/);
  });
});

describe('recovery codes', () => {
  it('are ten different ones with 80 bits', () => {
    const codes = newRecoveryCodes();
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) expect(code).toMatch(/^[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}$/);
  });

  it('are the same however they are typed', () =>
    fc.assert(
      fc.property(fc.constantFrom(...newRecoveryCodes()), fc.array(fc.nat(3)), (code, choices) => {
        const typed = Array.from(code, (letter, at) => {
          const choice = choices[at] ?? 0;
          if (choice === 1) return letter.toUpperCase();
          if (choice === 2) return letter === '-' ? ' ' : letter.replace('0', 'O').replace('1', 'l');
          return choice === 3 && letter === '-' ? '' : letter;
        }).join('');
        expect(recoveryCodeHash(typed)).toEqual(recoveryCodeHash(code));
      }),
    ));
});

describe('passkeys at a public address', () => {
  it.each([
    ['https://radgate.example', 'radgate.example'],
    ['https://radgate.example:8443/base', 'radgate.example'],
    ['http://localhost:8080', 'localhost'],
    ['https://pacs.localhost:8443', 'pacs.localhost'],
    ['http://radgate.example', undefined],
    ['https://192.0.2.7', undefined],
    ['http://127.0.0.1:3000', undefined],
    ['https://[2001:db8::1]:8443', undefined],
    ['http://localhost.example', undefined],
  ])('%s belong to %s', (address, id) => expect(relyingPartyOf(address)?.id).toBe(id));
});
