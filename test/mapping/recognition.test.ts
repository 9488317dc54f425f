import { describe, expect, it } from 'vitest';
import { SHIPPED_MAPPINGS } from '../../src/mapping/defaults.js';
import { MappingDocument } from '../../src/mapping/mapping.document.js';
import { MEASURED_KINDS } from '../../src/mapping/recognition/measured.kinds.js';
import { readColumnName } from '../../src/mapping/recognition/header.reader.js';
import { ListProfiler } from '../../src/mapping/recognition/list.profiler.js';
import { recogniseList, type RecognitionOptions } from '../../src/mapping/recognition/recognition.js';
import { isLoinc } from '../../src/mapping/values/loinc.js';
import { isUcum } from '../../src/mapping/values/units.js';

/** Recognises a list whose columns are given as `header: values`. */
function recognise(columns: Readonly<Record<string, readonly string[]>>, options: RecognitionOptions = {}) {
  const profiler = new ListProfiler(Object.keys(columns));
  const rows = Math.max(...Object.values(columns).map((values) => values.length));
  for (let row = 0; row < rows; row += 1)
    profiler.add(Object.values(columns).map((values) => values[row] ?? ''));
  return recogniseList(profiler.profile(), SHIPPED_MAPPINGS, options);
}

const birthDates = (...values: string[]) => recognise({ MRN: ['A1', 'A2', 'A3'], DOB: values });
const tableOf = (...values: string[]) => recognise({ NHC: ['A1', 'A2', 'A3'], Sexo: values });

const meanings = (recognition: ReturnType<typeof recognise>) =>
  recognition.columns.map(({ header, meaning }) => `${header}: ${meaning}`);

it('each measurement of the dictionary has valid LOINC codes, units and ranges', () => {
  for (const [name, { variants, names }] of MEASURED_KINDS) {
    expect(Object.keys(names), name).toHaveLength(5);
    for (const { code, ucum, typical, possible = typical } of variants) {
      expect([code, isLoinc(code)]).toEqual([code, true]);
      expect([ucum, isUcum(ucum)]).toEqual([ucum, true]);
      expect(typical[0] < typical[1] && possible[0] <= typical[0] && typical[1] <= possible[1], name).toBe(
        true,
      );
    }
  }
});

it.each(['mL/min/{1.73_m2}', '{INR}', '10*3/uL', 'mg/dL{fasting}'])('%s is a unit of UCUM', (unit) => {
  expect(isUcum(unit)).toBe(true);
});

describe('the columns of a list', () => {
  it.each([
    ['MRN', 'Surname', 'Forename', 'Gender', 'DOB'],
    ['Prontuário', 'Sobrenome', 'Primeiro nome', 'Sexo', 'Data de Nascimento'],
    ['NHC', 'Apellidos', 'Nombre', 'Sexo', 'Fecha de nacimiento'],
    ['N° dossier', 'Nom', 'Prénom', 'Sexe', 'Date de naissance'],
    ['Patienten-Nr.', 'Nachname', 'Vorname', 'Geschlecht', 'Geb.-Datum'],
  ])('are recognised in five languages: %s, %s, %s, %s, %s', (mrn, family, given, sex, birth) => {
    const { columns, questions, draft } = recognise({
      [mrn]: ['A1', 'A2'],
      [family]: ['Silva', 'Lima'],
      [given]: ['Ana', 'Eva'],
      [sex]: ['F', 'M'],
      [birth]: ['31/12/1980', '01/02/1990'],
    });
    expect(columns.map(({ field }) => field)).toEqual([
      'mrn',
      'family_name',
      'given_name',
      'sex',
      'birth_date',
    ]);
    expect(questions).toEqual([]);
    expect(draft?.columns['birth_date']?.formats).toEqual(['dd/MM/yyyy']);
  });

  it('are recognised by their values, if the names say nothing', () => {
    const found = recognise({
      Code: ['529.982.247-25', '111.444.777-35', '123.456.789-09'],
      X1: ['Ana', 'Eva', 'Rui'],
      X2: ['I10', 'E11.9', 'J45'],
      X3: ['120/80', '130/85', '118/76'],
    });
    expect(meanings(found)).toEqual(['Code: cpf', 'X1: unknown', 'X2: diagnosis_code', 'X3: blood_pressure']);
  });

  it('have a question if the values contradict the name', () => {
    const { questions, draft } = recognise({ MRN: ['A1', 'A2'], DOB: ['yes', 'no'] });
    expect(questions).toMatchObject([
      { code: 'values-contradict', column: 'DOB', path: ['source', 'aliases', 'unused_birth_date'] },
    ]);
    expect(draft?.source.aliases['unused_birth_date']).toEqual([]);
  });

  it('give no draft without an identifier, and a question says so', () => {
    const { questions, draft } = recognise({ Name: ['Ana', 'Eva'], DOB: ['1980-01-02', '1990-03-04'] });
    expect(draft).toBeUndefined();
    expect(questions).toMatchObject([{ code: 'identifier-missing' }]);
  });
});

describe('a header', () => {
  it.each([
    ['birth_dt', 'birth_date'],
    ['D.O.B.', 'birth_date'],
    ['GebDat', 'birth_date'],
    ['Date of birth (dd/mm/yyyy)', 'birth_date'],
    ['sex_cd', 'sex'],
    ['Gender (M/F)', 'sex'],
    ['Nº de Prontuário', 'mrn'],
    ['icd10_2', 'diagnosis_code'],
    ['Diagnóstico CIE10', 'diagnosis_code'],
    ['Teléfono 2', 'phone'],
    ['lab_glucose', 'glucose'],
    ['Glukose i.S. [mg/dl]', 'glucose'],
    ['Serum Creatinine (umol/L)', 'creatinine'],
    ['glucose_mg_dl', 'glucose'],
    ['RR syst.', 'systolic'],
    ['K+', 'potassium'],
    ['Dauermedikation', 'medications'],
    ['Fecha de alta', 'discharge_date'],
    ['Encounter ID', 'visit_number'],
    ['Nome da mãe', 'other_person'],
    ['Telefone da mãe', 'phone_mother'],
  ])('%s means %s', (name, meaning) => {
    expect(readColumnName(name).meanings[0]?.meaning).toBe(meaning);
  });

  it.each([
    'Glucose (urine)',
    'Urine glucose',
    'CSF protein',
    'Code',
    'Date of death',
    'Glucose target',
    'Father',
  ])('%s is no known measurement or fact of the patient', (name) => {
    expect(readColumnName(name).meanings.filter(({ meaning }) => meaning !== 'other_person')).toEqual([]);
  });
});

describe('the order of day and month', () => {
  it.each([
    [['01/02/1980', '13/02/1980', '03/04/1981'], 'dd/MM/yyyy'],
    [['01/02/1980', '02/13/1980', '03/04/1981'], 'MM/dd/yyyy'],
    [['1.2.1980', '3.4.1981', '05.06.1982'], 'dd.MM.yyyy'],
    [['1980-02-01', '1981-04-03', '1982-06-05'], 'yyyy-MM-dd'],
    [['02-13-1980', '03-04-1981', '05-06-1982'], 'MM-dd-yyyy'],
  ])('comes from all values of the column: %j', (values, format) => {
    const { draft, questions } = birthDates(...values);
    expect(draft?.columns['birth_date']?.formats).toEqual([format]);
    expect(questions).toEqual([]);
  });

  it('comes from the name of the column, if no value shows it', () => {
    const { draft, questions } = recognise({
      MRN: ['A1', 'A2', 'A3'],
      'DOB (mm/dd/yyyy)': ['01/02/1980', '03/04/1981', '05/06/1982'],
    });
    expect(draft?.columns['birth_date']?.formats).toEqual(['MM/dd/yyyy']);
    expect(questions).toEqual([]);
  });

  it('is a question if no value shows it, and the draft has a proposal', () => {
    const { draft, questions } = birthDates('01/02/1980', '03/04/1981', '05/06/1982');
    expect(draft?.columns['birth_date']?.formats).toEqual(['dd/MM/yyyy']);
    expect(questions).toMatchObject([
      {
        code: 'day-order',
        column: 'DOB',
        path: ['columns', 'birth_date', 'formats'],
        choices: [{ value: ['dd/MM/yyyy'] }, { value: ['MM/dd/yyyy'] }],
      },
    ]);
  });

  it('is a question if the values contradict each other', () => {
    const { questions } = birthDates('13/02/1980', '02/13/1980', '05/06/1982');
    expect(questions).toMatchObject([{ code: 'day-order-mixed' }]);
  });
});

describe('the words for the sex', () => {
  it.each([
    [['F', 'M', 'F'], { f: 'female', m: 'male' }],
    [['H', 'M', 'H'], { h: 'male', m: 'female' }],
    [['V', 'M', 'V'], { v: 'male', m: 'female' }],
    [['1', '2', '1'], { '1': 'male', '2': 'female' }],
    [['Masc.', 'Fem.', 'Outros'], { 'masc.': 'male', 'fem.': 'female', outros: 'other' }],
  ])('%j are read together', (values, table) => {
    const { draft, questions } = tableOf(...values);
    expect(draft?.tables['gender']).toEqual(table);
    expect(questions).toEqual([]);
  });

  it('are asked if nobody knows them', () => {
    expect(tableOf('0', '1', '0').questions).toMatchObject([
      { code: 'sex-word', path: ['tables', 'gender', '0'] },
      { code: 'sex-word', path: ['tables', 'gender', '1'] },
    ]);
  });
});

it.each([
  [['I10', 'J45.909'], 'http://hl7.org/fhir/sid/icd-10-cm'],
  [['I10', 'J45.9'], 'http://hl7.org/fhir/sid/icd-10'],
])('the codes %j are of the system %s', (codes, system) => {
  const { draft } = recognise({ MRN: ['A1', 'A2'], 'ICD-10': codes });
  expect(draft?.words[0]?.codes?.system).toBe(system);
});

it('a column without a rule is not used, and the proposal says so', () => {
  const { draft, columns } = recognise({ MRN: ['A1', 'A2'], Smoker: ['yes', 'no'] });
  expect(Object.keys(draft?.columns ?? {})).not.toContain('smoking');
  expect(columns[1]?.field).toBeUndefined();
  expect(columns[1]?.reason).toContain('The draft has no rule for it.');
});

describe('a known mapping', () => {
  const english = {
    MRN: ['A1', 'A2', 'A3'],
    'Last name': ['Lee', 'Ray', 'Fox'],
    'First name': ['Ann', 'Bob', 'Cy'],
    DOB: ['1980-12-31', '1990-01-02', '1971-05-06'],
    Sex: ['F', 'M', 'Other'],
  };
  const plain = { name: 'english-plain', version: 1 };

  it.each([
    ['the columns of a shipped mapping', english, plain],
    ['a column that is never imported', { ...english, Ward: ['1', '2', '3'] }, plain],
    ['an empty column', { ...english, Glucose: ['', '', ''] }, plain],
    ['a column that the draft uses', { ...english, Glucose: ['99', '101', '88'] }, undefined],
    ['dates of another format', { ...english, DOB: ['31/12/1980', '02/01/1990', '06/05/1971'] }, undefined],
    ['an impossible date', { ...english, DOB: ['1980-02-31', 'unknown', '1971-05-06'] }, plain],
    ['no date that can be read', { ...english, DOB: ['1980-02-31', 'x', '?'] }, plain],
    ['a word for the sex that nobody knows', { ...english, Sex: ['xyz', 'xyz', 'xyz'] }, plain],
    ['sexes with another meaning', { ...english, Sex: ['H', 'M', 'H'] }, undefined],
    ['words for the sex that the mapping does not know', { ...english, Sex: ['1', '2', '1'] }, undefined],
    ['no identifier', { ...english, MRN: undefined }, undefined],
  ])('is judged by the whole list: %s', (_, { MRN, ...others }, fits) => {
    expect(recognise(MRN === undefined ? others : { MRN, ...others }).fits).toEqual(fits);
  });

  it('is not chosen if another one fits too. An older version of it does not count', () => {
    const document = SHIPPED_MAPPINGS.find(({ name }) => name === 'english-plain');
    const profiler = new ListProfiler(Object.keys(english));
    for (const at of [0, 1, 2]) profiler.add(Object.values(english).map((values) => values[at] ?? ''));
    const fits = (...others: readonly object[]) =>
      recogniseList(
        profiler.profile(),
        others.map((one) => MappingDocument.parse({ ...document, ...one })),
      ).fits;
    expect(fits({ version: 1 }, { version: 3 }, { version: 2 })).toEqual({ ...plain, version: 3 });
    expect(fits({}, { name: 'another' })).toBeUndefined();
  });
});
