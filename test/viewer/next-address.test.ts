import { expect, it } from 'vitest';
import { nextAddress } from '../../portal/next.address.ts';

const ORIGIN = 'https://gate.example:8443';
const nextOf = (next: string) => nextAddress(`?next=${encodeURIComponent(next)}`, ORIGIN);

it('goes on to an address of the same origin, with query and fragment', () => {
  expect(nextOf('/viewer/viewer?StudyInstanceUIDs=1.2.3&a=b#c')).toBe(
    '/viewer/viewer?StudyInstanceUIDs=1.2.3&a=b#c',
  );
});

it('goes to the start page when nothing is asked, or the sign-in page itself', () => {
  expect(nextAddress('', ORIGIN)).toBe('/');
  for (const next of ['', '/', '/login', '/login/?next=%2Flogin', '/viewer/../login'])
    expect(nextOf(next)).toBe('/');
});

it('never leaves the origin', () => {
  const elsewhere = [
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example/',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '\t//evil.example',
    '/.//evil.example',
    '/a/..//evil.example',
    '/%2e//evil.example',
    'javascript:alert(1)',
    ' /viewer/',
    'https://gate.example:8443@evil.example/',
  ];
  for (const next of elsewhere) {
    const address = nextOf(next);
    expect(address, next).toMatch(/^\/(?![/\\])/);
    expect(new URL(address, ORIGIN).origin, next).toBe(ORIGIN);
  }
});
