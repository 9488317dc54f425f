import { describe, expect, it } from 'vitest';
import { isPatient, menuOf } from '../../portal/frame/menu.entries.ts';
import { daysAgo, readableBytes, readableDay, readableName } from '../../portal/frame/readable.values.ts';
import { grouped } from '../../portal/patient/grouped.accesses.ts';
import { de } from '../../portal/texts/de/de.ts';
import { loginDe } from '../../portal/texts/de/login.texts.ts';
import { en } from '../../portal/texts/en/en.ts';
import { loginEn } from '../../portal/texts/en/login.texts.ts';
import { fr } from '../../portal/texts/fr/fr.ts';
import { loginFr } from '../../portal/texts/fr/login.texts.ts';
import { pt } from '../../portal/texts/pt/pt.ts';
import { loginPt } from '../../portal/texts/pt/login.texts.ts';

describe('a person name of a file', () => {
  it.each([
    ['Müller^Anna^Maria', 'Müller, Anna Maria'],
    ['Adams^John Robert Quincy^^Rev.^B.A.', 'Adams, Rev. John Robert Quincy B.A.'],
    ['Yamada^Tarou=山田^太郎=やまだ^たろう', 'Yamada, Tarou (山田, 太郎)'],
    ['=山田^太郎', '山田, 太郎'],
    ['Morrison-Jones', 'Morrison-Jones'],
    ['^Anna', 'Anna'],
    ['', ''],
    ['^^^^', ''],
  ])('%s is shown as %s', (name, shown) => expect(readableName(name)).toBe(shown));
});

describe('a day of a file', () => {
  it.each([
    ['2026-01-12', 'en-GB', '12 Jan 2026'],
    ['2026-01-12', 'de', '12.01.2026'],
    ['', 'en', ''],
    ['2026-13-45', 'en', '2026-13-45'],
  ])('%s in %s is shown as %s', (day, locale, shown) => expect(readableDay(day, locale)).toBe(shown));

  it('counts days back over the end of a month', () =>
    expect(daysAgo(6, new Date(2026, 2, 3, 12))).toBe('2026-02-25'));
});

describe('a number of bytes', () => {
  it.each([
    [0, 'en', '0 kB'],
    [400, 'en', '0.4 kB'],
    [1_500_000_000, 'en', '1.5 GB'],
    [12_400_000, 'de', '12 MB'],
    [1_500_000, 'fr', '1,5 Mo'],
    [5e18, 'en', '5,000,000 TB'],
  ])('%d in %s is shown as %s', (bytes, locale, shown) =>
    expect(readableBytes(bytes, locale).replaceAll(/\s/g, ' ')).toBe(shown),
  );
});

describe('the menu', () => {
  const patient = { patient: {}, rights: ['studies:read'] };
  const cases = [
    ['of a patient', patient, ['/images', '/looked', '/profile']],
    ['of a reader', { patient: null, rights: ['studies:read'] }, ['/studies', '/profile']],
    [
      'of a clerk',
      { patient: null, rights: ['records:import', 'records:read'] },
      ['/imports', '/words', '/reviews', '/profile'],
    ],
    [
      'of an administrator of access',
      { patient: null, rights: ['access:manage'] },
      ['/people', '/groups', '/machines', '/explain', '/profile'],
    ],
    ['of an operator', { patient: null, rights: ['system:operate'] }, ['/system', '/quarantine', '/profile']],
    ['of an auditor', { patient: null, rights: ['audit:read'] }, ['/audit', '/profile']],
    ['of an account without rights', { patient: null, rights: [] }, ['/profile']],
  ] as const;
  it.each(cases)('%s has only what the account may use', (_, person, paths) =>
    expect(menuOf(person).map(({ path }) => path)).toEqual(paths),
  );

  it('takes a member of the staff who is linked to a patient for staff', () =>
    expect(isPatient({ patient: {}, rights: ['studies:read', 'studies:annotate'] })).toBe(false));
});

describe('the texts', () => {
  /** The names of all texts, each with the names of its placeholders. */
  const placeholders = (texts: object, above = ''): string[] =>
    Object.entries(texts).flatMap(([name, text]: [string, unknown]) =>
      typeof text === 'string'
        ? `${above}${name} ${[...new Set(text.match(/\{\{\w+\}\}/g))].sort().join(' ')}`
        : typeof text === 'object' && text !== null
          ? placeholders(text, `${above}${name}.`)
          : [],
    );
  it.each([
    ['pt', { ...pt, login: loginPt }],
    ['fr', { ...fr, login: loginFr }],
    ['de', { ...de, login: loginDe }],
  ])('in %s have the placeholders of the English texts', (_, texts) =>
    expect(placeholders(texts)).toEqual(placeholders({ ...en, login: loginEn })),
  );
});

const access = (minute: number, account: string | null, study_uid = '1.2') => ({
  at: new Date(Date.UTC(2026, 0, 12, 12, minute)).toISOString(),
  account,
  organisation: '',
  study_uid,
});

describe('the accesses of one look', () => {
  it('are one row: the same account and study within half an hour', () => {
    const rows = [access(59, 'a'), access(58, 'b'), access(50, 'a'), access(45, 'a', '1.3'), access(25, 'a')];
    expect(grouped([...rows, access(0, null), access(-40, null)])).toEqual([
      access(59, 'a'),
      access(58, 'b'),
      access(45, 'a', '1.3'),
      access(0, null),
      access(-40, null),
    ]);
  });
});
