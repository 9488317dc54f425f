import * as fc from 'fast-check';
import type { Patient } from '@medplum/fhirtypes';
import { describe, expect, it } from 'vitest';
import { contradictingRows } from '../../src/mapping/duplicates.js';
import { differencesOf, pairDigest, personDigest } from '../../src/mapping/person.js';
import type { RowPlan } from '../../src/mapping/row.plan.js';
import { mapRow } from '../../src/mapping/row.mapping.js';
import { PERSON_KEY_SYSTEM } from '../../src/mapping/separation.js';
import { isSameGiven, spellingKeys } from '../../src/mapping/values/given.names.js';
import { readFullName } from '../../src/mapping/values/person.name.js';
import { shipped } from '../csv/csv.reading.ts';
import { context } from './mapping.world.ts';

const person = (
  given: string[],
  birthDate?: string,
  gender?: Patient['gender'],
  family = 'Silva',
): Patient => ({
  resourceType: 'Patient',
  name: [{ family, ...(given.length === 0 ? {} : { given }) }],
  ...(birthDate === undefined ? {} : { birthDate }),
  ...(gender === undefined ? {} : { gender }),
});

/** A Patient whose name is not split. */
const unsplit = (text: string): Patient => ({ resourceType: 'Patient', name: [{ text }] });

describe('given names', () => {
  it.each([
    ['John', 'john'],
    ['José', 'Jose'],
    ['Sofia', 'Sophia'],
    ['Luis', 'Luiz'],
    ['Yara', 'Iara'],
    ['Anna', 'Ana'],
    ['Teresa', 'Theresa'],
    ['Cristina', 'Christina'],
    ['Katarina', 'Catarina'],
    ['William', 'Willian'],
    ['Ana Maria', 'Anamaria'],
    ['Anne-Marie', 'Anne Marie'],
    ['J.', 'John'],
    ['Maria', 'Maria Clara'],
    ['Maria de Lourdes', 'Maria Lourdes'],
  ])('%s and %s are one spelling apart', (one, other) => {
    expect(differencesOf(person([one]), person([other]))).toEqual([]);
    expect(differencesOf(person([other]), person([one]))).toEqual([]);
  });

  it.each([
    ['Mariana', 'Marina'],
    ['Daiana', 'Daiane'],
    ['Elaine', 'Eliane'],
    ['Maria Clara', 'Maria Luísa'],
    ['Zara', 'Sara'],
    ['John', 'James'],
    ['Clara', 'Maria Clara'],
    ['Cosme', 'Damião'],
    ['王芳', '王伟'],
  ])('%s and %s can be twins', (one, other) => {
    expect(differencesOf(person([one]), person([other]))).toEqual(['given_name']);
  });

  it('compare in the same way in both directions, and every name fits itself', () => {
    const names = fc.array(fc.string({ unit: 'grapheme', maxLength: 8 }), { maxLength: 3 });
    fc.assert(
      fc.property(names, names, (one, other) => {
        const [left, right] = [spellingKeys(one), spellingKeys(other)];
        expect(isSameGiven(left, right)).toBe(isSameGiven(right, left));
        expect(isSameGiven(left, left)).toBe(true);
      }),
    );
  });
});

describe('two persons with one identifier', () => {
  it.each([
    ['another day of birth', person(['Ana'], '1950-01-02'), person(['Ana'], '1950-02-01'), ['birth_date']],
    ['another year alone', person(['Ana'], '1950'), person(['Ana'], '1951-01-01'), ['birth_date']],
    ['a shorter date', person(['Ana'], '1950'), person(['Ana'], '1950-02-01'), []],
    ['another gender', person(['Ana'], '1950', 'female'), person(['Ana'], '1950', 'other'), ['gender']],
    ['an unknown gender', person(['Ana'], '1950', 'female'), person(['Ana'], '1950', 'unknown'), []],
    ['another family name', person(['Ana'], '1950'), person(['Ana'], '1950', undefined, 'Souza'), []],
    ['nothing but family names', person([]), person([], undefined, undefined, 'Souza'), ['family_name']],
    [
      'everything',
      person(['John'], '1950-01-01', 'male'),
      person(['Luz'], '1999-01-01', 'female', 'Garcia'),
      ['birth_date', 'gender', 'given_name'],
    ],
  ])('differ in %s', (_, one, other, differences) => {
    expect(differencesOf(one, other)).toEqual(differences);
    expect(differencesOf(other, one)).toEqual(differences);
  });

  it('are compared with each name of the stored patient', () => {
    const stored = {
      ...person(['Bill']),
      name: [{ text: 'Bill Silva' }, { given: ['William'], family: 'Silva' }],
    };
    expect(differencesOf(person(['Willian']), stored)).toEqual([]);
  });

  it('that are not split fit a name of the same words, in any order, and no other name', () => {
    const stored = person(['María', 'José'], undefined, undefined, 'Ruiz Peña');
    for (const text of ['Ruiz Peña María José', 'María José Ruiz Peña']) {
      expect(differencesOf(unsplit(text), stored)).toEqual([]);
      expect(differencesOf(stored, unsplit(text))).toEqual([]);
    }
    expect(differencesOf(unsplit('Ruiz Peña María Luz'), stored)).toEqual(['given_name']);
    expect(differencesOf(person(['Ruiz'], undefined, undefined, 'María José Peña'), stored)).toEqual([
      'given_name',
    ]);
  });

  it.each([
    ['Silva, Ana Maria', ['Silva,', 'Ana'], 'Maria'],
    ['Dr. Ana Maria Silva', ['Dr.', 'Ana', 'Maria'], 'Silva'],
    ['Ana Maria Silva (falecida)', ['Ana', 'Maria', 'Silva'], '(falecida)'],
  ])('are not told apart by how an earlier version has split %s', (text, given, family) => {
    const earlier: Patient = { resourceType: 'Patient', name: [{ text, given, family }] };
    const { name } = readFullName(text, 'BR');
    expect(differencesOf({ resourceType: 'Patient', name: [name] }, earlier)).toEqual([]);
    expect(differencesOf(person(['Bea']), earlier)).toEqual(['given_name']);
    const familyAlone = person([], undefined, undefined, 'Silva');
    expect(
      differencesOf(person(['Ana']), { ...familyAlone, name: [{ text: 'Silva', family: 'Silva' }] }),
    ).toEqual([]);
  });

  it('have digests that depend on facts and identifiers, not on their order', () => {
    const [ana, bea] = [person(['Ana'], '1950'), person(['Bea'], '1950')];
    const { key } = context;
    expect(pairDigest(key, ['a', 'b'], ana, bea)).toBe(pairDigest(key, ['b', 'a'], bea, ana));
    expect(pairDigest(key, ['a'], ana, bea)).not.toBe(pairDigest(key, ['b'], ana, bea));
    expect(personDigest(key, ['a'], ana)).not.toBe(personDigest(key, ['a'], bea));
    expect(personDigest(key, ['a'], person(['ANNA'], '1950'))).toBe(personDigest(key, ['a'], ana));
  });
});

/** A name as `Family, Given Given`, or the code of the finding if it is not split. */
const splitOf = (...[text, country, order]: Parameters<typeof readFullName>) => {
  const { name, codes } = readFullName(text, country, order);
  return name.family === undefined ? codes.join(' ') : `${name.family}, ${(name.given ?? []).join(' | ')}`;
};

describe('whole names', () => {
  it.each([
    ['Juan García', 'ES', 'García, Juan'],
    ['García López, María José', 'MX', 'García López, María | José'],
    ['GARCÍA LÓPEZ María', 'ES', 'GARCÍA LÓPEZ, María'],
    ['Juan de la Cruz', 'PE', 'de la Cruz, Juan'],
    ['José Ortega y Gasset', 'ES', 'Ortega y Gasset, José'],
    ['Juan García López', 'ES', 'name-unclear'],
    ['Ana María López García', 'CO', 'name-unclear'],
    ['María de los Ángeles Pérez', 'ES', 'name-unclear'],
    ['María del Carmen', 'ES', 'name-unclear'],
    ['Dr. Juan García López', 'ES', 'name-title name-unclear'],
    ['Juan', 'ES', 'name-single'],
    ['Ana Souza Lima', 'BR', 'Lima, Ana | Souza'],
    ['Ana de la Torre', 'BR', 'de la Torre, Ana'],
    ['ana souza lima', 'BR', 'lima, ana | souza'],
    ['Anna von der Leyen', 'DE', 'von der Leyen, Anna'],
    ['Ahmed bin Salman', 'GB', 'bin Salman, Ahmed'],
    ['Jan van den Berg', 'NL', 'van den Berg, Jan'],
  ])('%s in a list of %s is %s', (text, country, expected) => {
    expect(splitOf(text, country)).toBe(expected);
  });

  it.each([
    ['Dupont Marie', 'FR', 'Dupont, Marie'],
    ['von Berg Anna', 'DE', 'name-unclear'],
    ['Ruiz Peña María José', 'ES', 'name-unclear'],
    ['Ruiz Peña, María José', 'ES', 'Ruiz Peña, María | José'],
    ['Ruiz', 'ES', 'name-single'],
  ])('%s in a column with the family name first is %s', (text, country, expected) => {
    expect(splitOf(text, country, 'family-first')).toBe(expected);
  });

  it('in a Spanish list are split only where two parts, a comma or capital letters show the family name', () => {
    const word = fc.constantFrom('Ana', 'López', 'Ruiz', 'María', 'de', 'la', 'del', 'y', 'Vega', 'Luz');
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 6 }), (words) => {
        const { name, codes } = readFullName(words.join(' '), 'ES');
        expect(name.text).toBe(words.join(' '));
        if (name.family === undefined) expect(codes.join()).toMatch(/name-(?:unclear|single)/);
        else expect([...(name.given ?? []), name.family].join(' ')).toBe(name.text);
        if (name.family !== undefined) expect(name.given).toHaveLength(1);
      }),
    );
  });
});

const english = shipped('english-plain');
const cells = (more: Record<string, string>) =>
  new Map(
    Object.entries({
      mrn: '1',
      family_name: 'Smith',
      given_name: 'John',
      birth_date: '1950-01-01',
      sex: 'M',
      ...more,
    }),
  );
const planOf = (
  more: Record<string, string>,
  separated: ReadonlyMap<string, readonly string[]> = new Map(),
) => {
  const outcome = mapRow(english, cells(more), { ...context, separated });
  if (outcome.outcome === 'rejected') throw new Error(JSON.stringify(outcome.issues));
  return outcome;
};

const rows = (...plans: RowPlan[]) => plans.map((plan, at) => ({ row: at + 1, plan }));
const keysOf = ({ conditions, observations }: RowPlan) =>
  [...conditions, ...observations].map(({ identifier }) => identifier?.[0]?.value);

describe('rows of one file with one identifier', () => {
  const [john, luz, jon] = [
    planOf({}).plan,
    planOf({ family_name: 'Garcia', given_name: 'Luz', birth_date: '1999-01-01', sex: 'F' }).plan,
    planOf({ given_name: 'Jon', weight_kg: '70' }).plan,
  ];

  it('contradict the first row that counts as the patient', () => {
    const found = contradictingRows(rows(john, luz, jon, luz));
    expect(found.map(({ row, other, differences }) => [row.row, other.row, differences])).toEqual([
      [2, 1, ['birth_date', 'gender', 'given_name']],
      [4, 1, ['birth_date', 'gender', 'given_name']],
    ]);
    expect(contradictingRows(rows(john, jon, john))).toEqual([]);
  });
});

describe('a person who was decided to be new', () => {
  const plain = planOf({ weight_kg: '70', conditions: 'Diabetes' });
  const separated = planOf(
    { weight_kg: '70', conditions: 'Diabetes' },
    new Map([[plain.plan.person, plain.plan.identityKeys]]),
  );

  it('has no disputed identifier, a finding, and records of its own', () => {
    const { plan, issues } = separated;
    expect(issues.map(({ code }) => code)).toContain('identity-separated');
    expect(plan.patient.identifier).toEqual([
      { use: 'secondary', system: PERSON_KEY_SYSTEM, value: plan.patientKey },
    ]);
    expect(JSON.stringify(plan.patient)).not.toContain('"urn:radgate:mrn"');
    expect(keysOf(plan)).toHaveLength(2);
    for (const key of keysOf(plan)) expect(keysOf(plain.plan)).not.toContain(key);
    for (const { subject } of [...plan.conditions, ...plan.observations])
      expect(subject?.reference).toBe(plan.fullUrl);
    expect(plan.identityKeys).toEqual([plan.patientKey, ...plain.plan.identityKeys]);
  });

  it('has words and results that name its own records', () => {
    const { uses, results, waiting } = separated.plan;
    expect(uses).toHaveLength(plain.plan.uses.length);
    expect(uses.map(({ record }) => record)).toEqual([keysOf(separated.plan)[0]]);
    expect(Object.keys(plain.plan.results)).not.toHaveLength(0);
    for (const key of Object.keys(results)) expect(keysOf(separated.plan)).toContain(key);
    expect(Object.keys(results)).toHaveLength(Object.keys(plain.plan.results).length);
    expect(waiting).toEqual(plain.plan.waiting);
  });

  it('is the same patient each time, and no other row changes', () => {
    const map = new Map([[plain.plan.person, plain.plan.identityKeys]]);
    expect(planOf({ weight_kg: '70', conditions: 'Diabetes' }, map)).toEqual(separated);
    expect(planOf({ weight_kg: '71' }, map).plan.patientKey).toBe(separated.plan.patientKey);
    expect(planOf({ given_name: 'Peter' }, map).plan.isSeparated).toBeUndefined();
  });
});
