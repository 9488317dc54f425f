import type { Observation } from '@medplum/fhirtypes';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHuman } from '../../src/mapping/human.limits.js';
import { MappingDocument } from '../../src/mapping/mapping.document.js';
import { mapRow } from '../../src/mapping/row.mapping.js';
import { genderOf, numberedGender } from '../../src/mapping/values/gender.js';
import { isLoinc } from '../../src/mapping/values/loinc.js';
import { readMoment } from '../../src/mapping/values/times.js';
import { convertUnits, isUcum, unitOf } from '../../src/mapping/values/units.js';
import { shipped } from '../csv/csv.reading.ts';
import { context } from './mapping.world.ts';

const english = shipped('english-plain');
const bob = { mrn: 'A-1', family_name: 'Example', given_name: 'Bob', birth_date: '1970-05-06', sex: 'M' };

/** A mapping for a list with one laboratory result in each row. */
const labs = MappingDocument.parse({
  ...english,
  source: { ...english.source, zone: 'America/Sao_Paulo' },
  columns: {
    ...english.columns,
    observed_on: { type: 'date', formats: ['yyyy-MM-dd', 'dd/MM/yyyy', 'yyyyMMdd'] },
    test: {},
    value: {},
    unit: {},
    range: {},
    order: {},
    pressure: {},
    culture: {},
  },
  observations: [
    {
      name: 'labs',
      kind: 'results',
      category: 'laboratory',
      date: { copy: 'observed_on' },
      order: { copy: 'order' },
      test: { copy: 'test' },
      value: { copy: 'value' },
      unit: { copy: 'unit' },
      range: { copy: 'range' },
      tests: {
        Potássio: { code: { system: 'http://loinc.org', code: '2823-3' }, ucum: 'mmol/L' },
        Glucose: { code: { system: 'http://loinc.org', code: '2345-7' }, ucum: 'mg/dL', usual: [60, 140] },
      },
    },
    {
      name: 'blood_pressure',
      kind: 'components',
      category: 'vital-signs',
      code: { system: 'http://loinc.org', code: '85354-9' },
      date: { copy: 'observed_on' },
      combined: { copy: 'pressure' },
      components: ['8480-6', '8462-4'].map((code) => ({
        code: { system: 'http://loinc.org', code },
        quantity: { unit: 'mmHg', ucum: 'mm[Hg]' },
      })),
    },
    {
      name: 'culture',
      kind: 'text',
      category: 'laboratory',
      code: { system: 'http://loinc.org', code: '6463-4' },
      value: { copy: 'culture' },
    },
  ],
});

function mapped(row: Record<string, string>, document = english) {
  const outcome = mapRow(document, new Map(Object.entries({ ...bob, ...row })), context);
  return {
    outcome: outcome.outcome,
    codes: outcome.issues.map(({ code }) => code),
    severities: [...new Set(outcome.issues.map(({ severity }) => severity))],
    observations: outcome.outcome === 'planned' ? outcome.plan.observations : [],
  };
}
const shown = ({ valueQuantity, valueString, component }: Observation): string =>
  valueString ??
  [valueQuantity, ...(component ?? []).map((part) => part.valueQuantity)]
    .filter((one) => one !== undefined)
    .map(({ comparator = '', value, code, unit }) => `${comparator}${value} ${code ?? unit ?? ''}`.trim())
    .join(', ');

describe('a bad measurement', () => {
  const BAD: [Record<string, string>, string][] = [
    [{ weight_kg: 'about 70' }, 'number-invalid'],
    [{ weight_kg: '7200' }, 'number-out-of-range'],
    [{ weight_kg: '70 cm' }, 'unit-contradicts'],
    [{ weight_kg: '70 stones' }, 'unit-contradicts'],
    [{ weight_kg: '70', observed_on: '2026-02-31' }, 'date-invalid'],
    [{ weight_kg: '70', observed_on: '2027-01-01' }, 'date-future'],
    [{ systolic: '120' }, 'measurement-incomplete'],
    [{ systolic: '80', diastolic: '120' }, 'pressure-order'],
    [{ smoking_status: 'sometimes' }, 'value-not-listed'],
    [{ temperature_c: '98.6' }, 'number-out-of-range'],
  ];

  it.each(BAD)('in %j is left out, and the patient and the other measurements are written', (row, code) => {
    const { outcome, codes, severities, observations } = mapped({ ...row, height_cm: '180' });
    expect([outcome, codes, severities]).toEqual(['planned', [code], ['warning']]);
    expect(observations.filter((one) => one.code.coding?.[0]?.code !== '8302-2')).toEqual([]);
  });

  it.each(BAD)('in %j rejects the row when the mapping says so', (row, code) => {
    const policies = { ...english.policies, bad_measurement: 'reject' as const };
    const { outcome, codes } = mapped(row, { ...english, policies });
    expect([outcome, codes]).toEqual(['rejected', [code]]);
  });

  it('is found by what a human can have, whatever the mapping allows', () => {
    expect(isHuman('29463-7', 70, 'kg')).toBe(true);
    expect(isHuman('29463-7', 154, '[lb_av]')).toBe(true);
    expect(isHuman('29463-7', 7200, 'kg')).toBe(false);
    expect(isHuman('8310-5', 98.6, 'Cel')).toBe(false);
    expect(isHuman('8310-5', 98.6, '[degF]')).toBe(true);
    expect(isHuman('no such code', 1e9, 'kg')).toBe(true);
    expect(mapped({ test: 'Potássio', value: '450' }, labs)).toMatchObject({
      codes: ['number-out-of-range'],
      observations: [],
    });
  });
});

describe('a number with a unit', () => {
  it.each([
    ['154 lb', '69.8532 kg', ['unit-converted']],
    ['70 kg', '70 kg', []],
    ['70kgs', '70 kg', []],
    ['<4,5', '<4.5 kg', []],
    ['>= 70 kg', '>=70 kg', []],
    ['≤ 70', '<=70 kg', []],
  ])('%s is %s', (weight_kg, value, codes) => {
    const read = mapped({ weight_kg });
    expect([read.observations.map(shown), read.codes]).toEqual([[value], codes]);
  });

  it('is never converted between an amount of substance and a mass', () => {
    expect(convertUnits(5.5, 'mmol/L', 'mg/dL')).toBeUndefined();
    expect(mapped({ test: 'Glucose', value: '5.5', unit: 'mmol/L' }, labs)).toMatchObject({
      codes: ['unit-contradicts'],
      observations: [],
    });
  });

  it('that is converted there and back is the same number', () => {
    const pairs = [
      ['kg', '[lb_av]'],
      ['cm', '[in_i]'],
      ['Cel', '[degF]'],
      ['mg/dL', 'g/L'],
      ['10*3/uL', '10*9/L'],
    ] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...pairs),
        fc.double({ min: 0.5, max: 5_000, noNaN: true }),
        (pair, value) => {
          const there = convertUnits(value, pair[0], pair[1]);
          const back = there === undefined ? undefined : convertUnits(there, pair[1], pair[0]);
          expect(Math.abs((back ?? 0) - value)).toBeLessThan(0.001 * Math.max(value, 20));
        },
      ),
    );
  });

  it.each([
    ['kg', true],
    ['mm[Hg]', true],
    ['10*3/uL', true],
    ['{score}', true],
    ['mmHg', false],
    ['10^3/uL', false],
    ['loinc', false],
    ['KG', false],
    ['', false],
  ])('has the UCUM code %s: %s', (code, valid) => {
    expect(isUcum(code)).toBe(valid);
  });

  it('knows the units that people write', () => {
    expect(['mmHg', 'MG/DL', 'µg/dL', 'x10^3/uL', 'bpm', '°C', 'ºC', 'UI/L', 'nonsense'].map(unitOf)).toEqual(
      ['mm[Hg]', 'mg/dL', 'ug/dL', '10*3/uL', '/min', 'Cel', 'Cel', '[iU]/L', undefined],
    );
  });
});

describe('a combined cell', () => {
  it.each([
    ['120/80', '120 mm[Hg], 80 mm[Hg]', []],
    ['120 x 80', '120 mm[Hg], 80 mm[Hg]', []],
    ['120/80 mmHg', '120 mm[Hg], 80 mm[Hg]', []],
    ['16/10 kPa', '120.01 mm[Hg], 75.0064 mm[Hg]', ['unit-converted']],
    ['80/120', '', ['pressure-order']],
    ['120', '', ['measurement-incomplete']],
    ['12/8', '', ['number-out-of-range']],
    ['120/80/60', '', ['number-invalid']],
  ])('%s gives %s', (pressure, value, codes) => {
    const read = mapped({ pressure }, labs);
    expect([read.observations.map(shown).join(), read.codes]).toEqual([value, codes]);
  });
});

describe('a list with one result in each row', () => {
  it.each([
    [{ test: '2823-3', value: '4,5', unit: 'mmol/L' }, '2823-3', '4.5 mmol/L', []],
    [{ test: 'potassio', value: '4.5' }, '2823-3', '4.5 mmol/L', []],
    [{ test: 'Glucose', value: '<4.0', unit: 'mg/dL' }, '2345-7', '<4 mg/dL', ['number-unlikely']],
    [{ test: 'Glucose', value: '1.0', unit: 'g/L' }, '2345-7', '100 mg/dL', ['unit-converted']],
    [{ test: '5196-1', value: 'Não reagente' }, '5196-1', 'Não reagente', []],
    [{ test: '5130-0', value: '1:80' }, '5130-0', '1:80', []],
    [{ test: '2823-3', value: '4.5 mmol/L', unit: 'mmol/l' }, '2823-3', '4.5 mmol/L', []],
    [{ test: '2823-4', value: '4.5' }, undefined, undefined, ['test-unknown']],
    [{ test: '', value: '4.5' }, undefined, undefined, ['measurement-incomplete']],
    [{ test: '2823-3', value: '' }, undefined, undefined, []],
    [{ test: '2823-3', value: '4.5 mmol/L', unit: 'mg/dL' }, undefined, undefined, ['unit-contradicts']],
  ])('%j is %s %s', (row, code, value, codes) => {
    const read = mapped(row, labs);
    expect(read.codes).toEqual(codes);
    expect(read.observations.map((one) => one.code.coding?.[0]?.code)[0]).toBe(code);
    expect(read.observations.map(shown)[0]).toBe(value);
  });

  it.each([
    ['3,5-5,1', { low: 3.5, high: 5.1 }],
    ['3.5 a 5.1', { low: 3.5, high: 5.1 }],
    ['< 5', { high: 5 }],
    ['>= 3.5', { low: 3.5 }],
    ['see the report', {}],
  ])('keeps the reference range %s', (range, limits) => {
    const [one] = mapped({ test: '2823-3', value: '4.5', unit: 'mmol/L', range }, labs).observations;
    const [{ low, high, text } = {}] = one?.referenceRange ?? [];
    expect(text).toBe(range);
    expect({ ...(low && { low: low.value }), ...(high && { high: high.value }) }).toEqual(limits);
  });

  it('keeps a text result of a column', () => {
    expect(mapped({ culture: 'No growth' }, labs).observations.map(shown)).toEqual(['No growth']);
  });
});

const at = (text: string, zone?: string) => readMoment(text, ['yyyy-MM-dd', 'dd/MM/yyyy', 'yyyyMMdd'], zone);

describe('a time', () => {
  it.each([
    ['2026-01-02', undefined, '2026-01-02', '2026-01-02'],
    ['2026-01-02 00:00', undefined, '2026-01-02', '2026-01-02'],
    ['2026-01-02T10:30-03:00', undefined, '2026-01-02T10:30:00-03:00', '2026-01-02T13:30:00.000Z'],
    ['2026-01-02T13:30:00Z', undefined, '2026-01-02T13:30:00Z', '2026-01-02T13:30:00.000Z'],
    ['02/01/2026 10:30', 'America/Sao_Paulo', '2026-01-02T10:30:00-03:00', '2026-01-02T13:30:00.000Z'],
    ['02/01/2026 10:30:15', 'Europe/Lisbon', '2026-01-02T10:30:15+00:00', '2026-01-02T10:30:15.000Z'],
    ['2026-07-02 10:30 PM', 'Europe/Berlin', '2026-07-02T22:30:00+02:00', '2026-07-02T20:30:00.000Z'],
    ['20260102103000-0300', undefined, '2026-01-02T10:30:00-03:00', '2026-01-02T13:30:00.000Z'],
    ['2026-01-02 10:30', undefined, '2026-01-02', '2026-01-02T10:30:00'],
    ['2026-10-25 02:30', 'Europe/Berlin', '2026-10-25', '2026-10-25T02:30:00'],
    ['2026-03-29 02:30', 'Europe/Berlin', '2026-03-29', '2026-03-29T02:30:00'],
  ])('%s (%s) is %s', (text, zone, effective, identity) => {
    expect(at(text, zone)).toMatchObject({ effective, identity });
  });

  it.each(['2026-01-02 25:00', '2026-01-02 10:61', '2026-13-02 10:30', '2026-01-02 13:00 PM', 'noon'])(
    '%s does not exist',
    (text) => {
      expect(at(text)).toEqual({ fault: 'date-invalid' });
    },
  );

  it('is the same moment in each zone that it is written in', () => {
    const zones = ['America/Sao_Paulo', 'Europe/Berlin', 'Asia/Kolkata', 'America/St_Johns', 'UTC'];
    const moment = fc.date({ min: new Date('1990-01-01'), max: new Date('2037-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(moment, fc.constantFrom(...zones), (date, zone) => {
        const whole = new Date(Math.floor(date.getTime() / 1000) * 1000);
        const local = new Intl.DateTimeFormat('sv-SE', {
          timeZone: zone,
          dateStyle: 'short',
          timeStyle: 'medium',
        }).format(whole);
        const read = at(local, zone);
        if ('fault' in read) throw new Error(local);
        // Midnight means a date, and the hour of a clock change is not decided.
        if (read.identity.endsWith('Z')) expect(read.identity).toBe(whole.toISOString());
        else expect(local.endsWith('00:00:00') || read.zoneless === true).toBe(true);
      }),
    );
  });

  it('has a year with two digits only by a pivot, which a finding tells', () => {
    const columns = { ...english.columns, birth_date: { type: 'date', formats: ['dd/MM/yy'], pivot: 30 } };
    const short = MappingDocument.parse({ ...english, columns });
    const born = (birth_date: string) => {
      const outcome = mapRow(short, new Map(Object.entries({ ...bob, birth_date })), context);
      return [outcome.outcome === 'planned' ? outcome.plan.patient.birthDate : '', outcome.issues[0]?.code];
    };
    expect([born('02/03/80'), born('02/03/25'), born('02/03/1980')]).toEqual([
      ['1980-03-02', 'date-short-year'],
      ['2025-03-02', 'date-short-year'],
      ['', 'date-invalid'],
    ]);
  });
});

describe('a word for a gender', () => {
  it.each([
    ['MASC.', 'male'],
    ['Fem', 'female'],
    ['Outros', 'other'],
    ['divers', 'other'],
    ['weiblich', 'female'],
    ['féminin', 'female'],
    ['Hombre', 'male'],
    ['IGN', 'unknown'],
    ['Senhora', undefined],
  ])('%s is %s', (word, gender) => {
    expect(genderOf(word)).toBe(gender);
  });

  it('may be a number of ISO/IEC 5218, but neither 0 nor 9', () => {
    expect(['1', '2', '01', '2.0', '0', '9', '3', '12'].map(numberedGender)).toEqual([
      'male',
      'female',
      'male',
      'female',
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

it('a LOINC code has a check digit', () => {
  const shippedCodes = english.observations.flatMap((rule) => ('code' in rule ? [rule.code.code] : []));
  expect([...shippedCodes, '2823-3', '82810-3'].every(isLoinc)).toBe(true);
  fc.assert(
    fc.property(fc.constantFrom(...shippedCodes), fc.integer({ min: 1, max: 9 }), (code, change) => {
      const last = (Number(code.at(-1)) + change) % 10;
      expect(isLoinc(`${code.slice(0, -1)}${last}`)).toBe(false);
    }),
  );
});
