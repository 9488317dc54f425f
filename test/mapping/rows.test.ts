import { describe, expect, it } from 'vitest';
import type { MappingDocument } from '../../src/mapping/mapping.document.js';
import type { MappingContext } from '../../src/mapping/row.plan.js';
import { mapRow } from '../../src/mapping/row.mapping.js';
import { shipped } from '../csv/csv.reading.ts';
import { context } from './mapping.world.ts';

const brazil = shipped('brazil-hospital');
const english = shipped('english-plain');
const ana = {
  name: 'Ana Clara de Souza',
  cpf: '529.982.247-25',
  gender: 'Feminino',
  birth_date: '03/04/1980',
  phone: '(11) 3456-7890',
  birth_country: 'Brasil',
};
const bob = { mrn: 'A-1', family_name: 'Example', given_name: 'Bob', birth_date: '1970-05-06', sex: 'M' };

function map(
  row: Record<string, string>,
  document: MappingDocument = brazil,
  more: Partial<MappingContext> = {},
) {
  return mapRow(document, new Map(Object.entries(row)), { ...context, ...more });
}
const policy = (cpf_check_digits: 'error' | 'off') => ({
  ...brazil,
  policies: { ...brazil.policies, cpf_check_digits },
});
const codesOf = (row: Record<string, string>, document = brazil) =>
  map(row, document).issues.map(({ code, column }) => `${code} ${column ?? ''}`.trim());
function planOf(row: Record<string, string>, document = brazil, more: Partial<MappingContext> = {}) {
  const outcome = map(row, document, more);
  if (outcome.outcome === 'rejected') throw new Error(outcome.issues.map(({ code }) => code).join(' '));
  return outcome.plan;
}

describe('a Patient', () => {
  it('is made of a row', () => {
    expect(planOf(ana).patient).toEqual({
      resourceType: 'Patient',
      extension: [
        {
          url: 'http://hl7.org/fhir/StructureDefinition/patient-birthPlace',
          valueAddress: { country: 'BR' },
        },
      ],
      identifier: [
        {
          use: 'official',
          type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'TAX' }] },
          system: 'https://saude.gov.br/fhir/sid/cpf',
          value: '52998224725',
        },
      ],
      name: [
        {
          id: 'radgate-name',
          use: 'official',
          text: 'Ana Clara de Souza',
          family: 'de Souza',
          given: ['Ana', 'Clara'],
        },
      ],
      telecom: [{ id: 'radgate-phone', system: 'phone', value: '+551134567890' }],
      gender: 'female',
      birthDate: '1980-04-03',
    });
  });

  it.each([
    ['Maria da Silva', ['Maria'], 'da Silva'],
    ['João Pedro dos Santos Filho', ['João', 'Pedro'], 'dos Santos Filho'],
    ['JOSÉ LIMA JÚNIOR', ['JOSÉ'], 'LIMA JÚNIOR'],
    ['Rui Costa e Silva', ['Rui'], 'Costa e Silva'],
    ['Ana', ['Ana'], undefined],
  ])('takes the name %s apart and keeps its text', (text, given, family) => {
    const [name] = planOf({ ...ana, name: text }).patient.name ?? [];
    expect([name?.text, name?.given, name?.family]).toEqual([text, given, family]);
  });

  it.each([
    ['529.982.247-25', []],
    ['52998224725', []],
    ['529.982.247-26', ['cpf-check-digits cpf']],
    ['1234567890', ['cpf-padded cpf']],
    ['123.456.789', ['cpf-format cpf']],
    ['1,23E+10', ['identifier-scientific cpf']],
    ['1.23457e10', ['identifier-scientific cpf']],
    ['111.111.111-11', ['cpf-placeholder cpf']],
    ['', ['required-missing cpf']],
  ])('has a CPF like %s', (cpf, codes) => {
    expect(codesOf({ ...ana, cpf })).toEqual(codes);
  });

  it('has check digits judged by policy', () => {
    const wrong = { ...ana, cpf: '529.982.247-26' };
    expect(map(wrong, policy('error'))).toMatchObject({
      outcome: 'rejected',
      issues: [{ severity: 'error' }],
    });
    expect(map(wrong, policy('off'))).toMatchObject({ outcome: 'planned', issues: [] });
  });

  it.each([
    ['31/02/1980', ['date-invalid birth_date']],
    ['29/02/2001', ['date-invalid birth_date']],
    ['12/31/1980', ['date-invalid birth_date']],
    ['2/3/80', ['date-invalid birth_date']],
    ['29221', ['date-invalid birth_date']],
    ['01/01/2099', ['date-future birth_date']],
    ['01/01/1890', ['birth-date-improbable birth_date']],
    ['29/02/2000', []],
    ['1980-04-03', []],
    ['03/04/1980 00:00:00', []],
  ])('has a birth date like %s', (birth_date, codes) => {
    expect(codesOf({ ...ana, birth_date })).toEqual(codes);
  });

  // The context's day is 2026-03-01 in UTC. In some time zones, the next day has already begun.
  it.each([
    [{}, '02/03/2026', []],
    [{}, '03/03/2026', ['date-future birth_date']],
    [{ asOf: '2026-02-01' }, '01/02/2026', []],
    [{ asOf: '2026-02-01' }, '02/02/2026', ['date-future birth_date']],
  ])(
    'has a birth date up to today in every time zone, or up to the day of the list (%j %s)',
    (more, birth_date, codes) => {
      const { issues } = map({ ...ana, birth_date }, brazil, more);
      expect(issues.map(({ code, column }) => `${code} ${column}`)).toEqual(codes);
    },
  );

  it('has no birth date that two formats of the mapping read differently', () => {
    const columns = {
      ...brazil.columns,
      birth_date: {
        ...brazil.columns['birth_date']!,
        formats: ['dd/MM/yyyy' as const, 'MM/dd/yyyy' as const],
      },
    };
    const both = { ...brazil, columns };
    expect(codesOf({ ...ana, birth_date: '03/04/1980' }, both)).toEqual(['date-ambiguous birth_date']);
    expect(planOf({ ...ana, birth_date: '13/04/1980' }, both).patient.birthDate).toBe('1980-04-13');
    expect(planOf({ ...ana, birth_date: '04/04/1980' }, both).patient.birthDate).toBe('1980-04-04');
  });

  it.each([
    ['MASCULINO', 'male'],
    ['fem', 'female'],
    ['Não binário', 'other'],
    ['ignorado', 'unknown'],
  ])('has the gender %s', (gender, expected) => {
    expect(planOf({ ...ana, gender }).patient.gender).toBe(expected);
  });

  it.each([
    ['(11) 91234-5678', '+5511912345678', []],
    ['+351 21 345 6789', '+351213456789', []],
    ['+1 (212) 555-0100', '+12125550100', []],
    ['(20) 3456-7890', '(20) 3456-7890', ['phone-area-code phone']],
    ['3456', '3456', ['phone-format phone']],
    ['ramal 12', 'ramal 12', ['phone-format phone']],
  ])('has the phone %s', (phone, value, codes) => {
    expect(planOf({ ...ana, phone }).patient.telecom?.[0]?.value).toBe(value);
    expect(codesOf({ ...ana, phone })).toEqual(codes);
  });

  it.each([
    ['Estados Unidos', 'US', []],
    ['Germany', 'DE', []],
    ['pt', 'PT', []],
    ['Atlantis', 'Atlantis', ['country-unknown birth_country']],
  ])('was born in %s', (birth_country, country, codes) => {
    expect(planOf({ ...ana, birth_country }).patient.extension?.[0]?.valueAddress?.country).toBe(country);
    expect(codesOf({ ...ana, birth_country })).toEqual(codes);
  });

  it.each([
    [{ name: '=1+1' }, 'cell-formula name'],
    [{ name: '@SUM(A1)' }, 'cell-formula name'],
    [{ name: '-cmd|x' }, 'cell-formula name'],
    [{ name: '+A1*2' }, 'cell-formula name'],
    [{ name: "+2+cmd|' /C calc'!A0" }, 'cell-formula name'],
    [{ name: 'Ana\0 Souza' }, 'cell-nul name'],
    [{ name: 'Ana\u0007 Souza' }, 'cell-control name'],
    [{ name: 'Jo\uFFFDo Souza' }, 'cell-undecodable name'],
    [{ name: 'x'.repeat(301) + ' y' }, 'cell-too-long name'],
    [{ name: ' ' }, 'required-missing name'],
    [{ gender: 'Senhora' }, 'gender-unknown-word gender'],
  ])('is not made of %j', (change, code) => {
    const row = { ...ana, ...change };
    expect(map(row).outcome).toBe('rejected');
    expect(codesOf(row)).toContain(code);
  });

  it('follows BR Core when the mapping says so', () => {
    const { patient } = planOf(ana, { ...brazil, profile: 'br-core' });
    expect(patient.meta?.profile).toEqual([
      'https://br-core.saude.gov.br/fhir/StructureDefinition/br-core-patient',
    ]);
    expect(patient.extension?.[0]?.valueCodeableConcept?.coding?.[0]?.code).toBe('99');
  });
});

describe('words', () => {
  it('become an unconfirmed Condition with the word as it was written', () => {
    const [condition] = planOf({ ...ana, note: 'Portadora de DIABÉTES' }).conditions;
    expect(condition).toMatchObject({
      verificationStatus: { coding: [{ code: 'unconfirmed' }] },
      clinicalStatus: { coding: [{ code: 'active' }] },
      category: [{ coding: [{ code: 'problem-list-item' }] }],
      code: {
        text: 'Portadora de DIABÉTES',
        coding: [{ system: 'http://snomed.info/sct', code: '73211009' }],
      },
      recordedDate: '2026-03-01',
    });
    expect(condition).not.toHaveProperty('onsetDateTime');
  });

  it('become an Observation of pregnancy with both codes', () => {
    const [observation] = planOf({ ...ana, note: 'Gestante' }).observations;
    expect(observation).toMatchObject({
      status: 'final',
      category: [{ coding: [{ code: 'social-history' }] }],
      code: { coding: [{ code: '82810-3' }] },
      valueCodeableConcept: { coding: [{ code: '77386006' }, { code: 'LA15173-0' }], text: 'Gestante' },
      effectiveDateTime: '2026-03-01',
    });
  });

  it.each([
    [{ gender: 'Masculino', note: 'Gestante' }, ['pregnant-male note']],
    [{ birth_date: '03/04/1950', note: 'Gestante' }, ['pregnancy-age note']],
    [{ note: 'Gestante|Diabética' }, ['pregnancy-diabetes note']],
    [{ note: 'Gestante|Diabética|diabético' }, ['pregnancy-diabetes note']],
    [{ note: 'Sopro' }, ['term-unmapped note']],
    [{ note: 'não diabético' }, ['term-ambiguous note']],
    [{ note: '73211008' }, ['term-code-invalid note']],
    [{ note: '73211009' }, []],
  ])('of %j are checked', (change, codes) => {
    expect(codesOf({ ...ana, ...change })).toEqual(codes);
  });

  it('wait when they are unknown, while the Patient is written; or are text, by policy', () => {
    const waiting = planOf({ ...ana, note: 'Sopro|Diabético' });
    expect(waiting.waiting).toEqual([{ column: 'note', text: 'Sopro', language: 'pt', outcome: 'unmapped' }]);
    expect(waiting.conditions).toHaveLength(1);
    const document = { ...brazil, policies: { ...brazil.policies, unknown_words: 'text_only' as const } };
    expect(planOf({ ...ana, note: 'Sopro' }, document).conditions[0]?.code).toEqual({ text: 'Sopro' });
    const negated = planOf({ ...ana, note: 'nega diabetes' }, document);
    expect([negated.conditions, negated.waiting.length]).toEqual([[], 1]);
  });
});

describe('the identity of a record', () => {
  const note = { ...ana, note: 'Gestante|Hipertenso' };
  const ids = (more: Partial<MappingContext> = {}) => {
    const { conditions, observations } = planOf(note, brazil, more);
    return [...conditions, ...observations].map(({ identifier }) => identifier?.[0]?.value);
  };

  it('does not change with the day of the import, only with an explicit day of an Observation', () => {
    expect(ids({ today: '2026-03-02' })).toEqual(ids());
    const [condition, observation] = ids({ asOf: '2026-02-01' });
    expect(condition).toBe(ids()[0]);
    expect(observation).not.toBe(ids()[1]);
  });

  it('cannot be made without the key', () => {
    const other = ids({ key: new Uint8Array(32).fill(8) });
    expect(other.filter((id) => ids().includes(id))).toEqual([]);
  });
});

describe('the plain English list', () => {
  it('gives conditions with onsets, measurements in UCUM and the smoking status', () => {
    const row = {
      ...bob,
      conditions: 'Asthma|Type 2 diabetes',
      onset_dates: '2010-05|',
      observed_on: '2026-02-03',
      weight_kg: '72,5 kg',
      height_cm: '180',
      systolic: '120',
      diastolic: '80',
      smoking_status: 'Ex-smoker',
      email: 'bob@example.org',
      country: 'United Kingdom',
    };
    const { patient, conditions, observations } = planOf(row, english);
    expect(conditions.map(({ onsetDateTime }) => onsetDateTime)).toEqual(['2010-05', undefined]);
    expect(patient.address).toEqual([{ id: 'radgate-address', use: 'home', country: 'GB' }]);
    expect(observations.map(({ code }) => code.coding?.[0]?.code)).toEqual([
      '29463-7',
      '8302-2',
      '85354-9',
      '72166-2',
    ]);
    expect(observations[0]).toMatchObject({
      effectiveDateTime: '2026-02-03',
      category: [{ coding: [{ code: 'vital-signs' }] }],
      valueQuantity: { value: 72.5, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' },
    });
    expect(observations[2]?.component?.map(({ valueQuantity }) => valueQuantity?.value)).toEqual([120, 80]);
    expect(observations[3]?.valueCodeableConcept?.coding?.[0]?.code).toBe('8517006');
  });

  it.each([
    [{ weight_kg: '160 lb' }, 'unit-converted weight_kg'],
    [{ weight_kg: '160 cm' }, 'unit-contradicts weight_kg'],
    [{ systolic: '80', diastolic: '120' }, 'pressure-order systolic'],
    [{ weight_kg: '70', observed_on: '31/12/2025' }, 'date-invalid observed_on'],
    [{ weight_kg: '70', observed_on: '2026-02-03 10:30' }, 'time-without-zone observed_on'],
    [{ weight_kg: '1.234' }, 'number-invalid weight_kg'],
    [{ weight_kg: '7200' }, 'number-out-of-range weight_kg'],
    [{ weight_kg: '300' }, 'number-unlikely weight_kg'],
    [{ systolic: '120' }, 'measurement-incomplete diastolic'],
    [{ smoking_status: 'sometimes' }, 'value-not-listed smoking_status'],
    [{ conditions: 'Asthma|Migraine', onset_dates: '2010' }, 'list-lengths onset_dates'],
    [{ mrn: '1E+05' }, 'identifier-scientific mrn'],
    [{ email: 'bob.example.org' }, 'email-format email'],
  ])('has %j explained', (change, code) => {
    expect(codesOf({ ...bob, ...change }, english)).toContain(code);
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
    'treats %s as no answer where a mapping copies the cell',
    (word) => {
      const observations = english.observations.map((rule) =>
        rule.kind === 'coded' ? { ...rule, value: { copy: 'smoking_status' } } : rule,
      );
      const row = new Map(Object.entries({ ...bob, smoking_status: word }));
      const outcome = mapRow({ ...english, observations }, row, context);
      expect(outcome.issues.map(({ code }) => code)).toContain('value-not-listed');
      expect(outcome).toMatchObject({ outcome: 'planned', plan: { observations: [] } });
    },
  );
});
