import {
  type Example,
  br,
  brazil,
  by,
  cell,
  changed,
  en,
  english,
  inBrazil,
  inEnglish,
  numbered,
  policies,
  raw,
  twoNumbers,
} from './examples.world.ts';

const dayFirst = changed(brazil, {
  columns: { ...brazil?.columns, birth_date: { type: 'date', formats: ['dd/MM/yyyy'] } },
});
const eitherFirst = changed(brazil, {
  columns: { ...brazil?.columns, birth_date: { type: 'date', formats: ['dd/MM/yyyy', 'MM/dd/yyyy'] } },
});
const shortYears = changed(brazil, {
  columns: { ...brazil?.columns, birth_date: { type: 'date', formats: ['dd/MM/yy'], pivot: 30 } },
});
const merging = changed(english, { policies: { duplicate_in_file: 'merge' } });
const labs = changed(english, {
  columns: { ...english?.columns, test: {}, value: {} },
  observations: [
    {
      name: 'labs',
      kind: 'results',
      category: 'laboratory',
      test: { copy: 'test' },
      value: { copy: 'value' },
      tests: { potassium: { code: { system: 'http://loinc.org', code: '2823-3' }, ucum: 'mmol/L' } },
    },
  ],
});
const withIcd = changed(english, {
  columns: { ...english?.columns, icd: { type: 'list' } },
  words: [
    {
      ...english?.words[0],
      codes: { split: 'icd', by: ['|'], system: 'http://hl7.org/fhir/sid/icd-10' },
    },
  ],
});
const measuredOn = (text: string) => en({ weight_kg: '70', observed_on: text });
const ambiguous = br({ 'Data de Nascimento': '03/04/1980' });
const same = br({}, {});
const differ = br({}, { Telefone: '(11) 98888-7777' });
const shared = {
  file: 'Nome,CPF,mrn\nAna Souza,529.982.247-25,77\nAna Lima,123.456.789-09,77\n',
  mapping: twoNumbers,
};

/** An example for each import code that concerns a row. */
export const ROW_EXAMPLES: Readonly<Record<string, Example>> = {
  'column-count': cell(
    (text) => raw('Nome,Data de Nascimento,CPF', `${text},529.982.247-25`),
    ['Souza, Ana,1980-01-02'],
    ['"Souza, Ana",1980-01-02'],
  ),
  'quote-broken': cell(numbered, ['"Ana "Nina" Souza"', '"open'], ['"Ana ""Nina"" Souza"', '"closed"']),
  'row-too-large': { quotes: [], wrong: [br({ Observação: 'x'.repeat(80 * 1024) })], right: [br({})] },
  'cell-nul': cell(inBrazil('Nome'), ['Ana\\0'], ['Ana']),
  'cell-control': cell(inBrazil('Nome'), ['Ana\\x07'], ['Ana']),
  'cell-formula': cell(inBrazil('Nome'), ['=A1&B1'], ['Ana Souza']),
  'cell-undecodable': cell(inBrazil('Nome'), ['Jo\u{FFFD}o'], ['João']),
  'cell-garbled': cell(inBrazil('Nome'), ['JoÃ£o'], ['João']),
  'cell-too-long': { quotes: [], wrong: [br({ Nome: 'x'.repeat(5_000) })], right: [br({})] },
  'required-missing': {
    quotes: ['Nome', 'Ana Souza'],
    wrong: [br({ Nome: '' })],
    right: [br({ Nome: 'Ana Souza' })],
  },
  'value-not-listed': cell(inEnglish('smoking_status'), ['chain smoker'], ['current']),
  'identifier-missing': {
    quotes: ['CPF', 'MRN'],
    wrong: [{ file: 'Nome,CPF,MRN\nAna Souza,,\n', mapping: twoNumbers }],
    right: [
      { file: 'Nome,CPF,MRN\nAna Souza,,77\n', mapping: twoNumbers },
      { file: 'Nome,CPF,MRN\nAna Souza,529.982.247-25,\n', mapping: twoNumbers },
    ],
  },
  'identifier-placeholder': {
    quotes: ['N/A'],
    wrong: [{ file: 'Nome,CPF,MRN\nAna Souza,529.982.247-25,N/A\n', mapping: twoNumbers }],
    right: [
      { file: 'Nome,CPF,MRN\nAna Souza,529.982.247-25,77\n', mapping: twoNumbers },
      { file: 'Nome,CPF,MRN\nAna Souza,529.982.247-25,\n', mapping: twoNumbers },
    ],
  },
  'identity-review': {
    quotes: ['new'],
    wrong: [en({}, { given_name: 'Luz', birth_date: '1999-05-05' })],
    right: [en({}, { mrn: '78', given_name: 'Luz', birth_date: '1999-05-05' })],
  },
  'identifier-scientific': cell(inBrazil('CPF'), ['1,23E+10'], ['012.345.678-90']),
  'cpf-format': cell(inBrazil('CPF'), ['123.456-78'], ['123.456.789-09']),
  'cpf-placeholder': {
    quotes: ['000.000.000-00'],
    wrong: [br({ CPF: '000.000.000-00' })],
    right: [br({}), { file: 'Nome,CPF,MRN\nAna Souza,,77\n', mapping: twoNumbers }],
  },
  'date-invalid': cell(
    inBrazil('Data de Nascimento'),
    ['31/02/1980', '2/3/80', '29221'],
    ['28/02/1980', '02/03/1980', '01/01/1980'],
  ),
  'date-ambiguous': {
    quotes: ['03/04/1980', 'dd/MM/yyyy', 'MM/dd/yyyy'],
    wrong: [by(eitherFirst, ambiguous)],
    right: [by(dayFirst, ambiguous)],
  },
  'date-future': cell(inBrazil('Data de Nascimento'), ['01/01/2099'], ['01/01/1999']),
  'gender-unknown-word': {
    quotes: ['Senhora', 'Feminino', 'senhora', 'gender'],
    wrong: [br({ Gênero: 'Senhora' })],
    right: [
      br({ Gênero: 'Feminino' }),
      by(
        changed(brazil, { tables: { gender: { ...brazil?.tables['gender'], senhora: 'female' } } }),
        br({ Gênero: 'Senhora' }),
      ),
    ],
  },
  'number-invalid': cell(inEnglish('weight_kg'), ['about 70'], ['70']),
  'unit-converted': cell(inEnglish('weight_kg'), ['154 lb'], ['69.9']),
  'unit-contradicts': cell(inEnglish('weight_kg'), ['154 cm'], ['69.9 kg']),
  'pressure-order': {
    quotes: ['80', '120'],
    wrong: [en({ systolic: '80', diastolic: '120' })],
    right: [en({ systolic: '120', diastolic: '80' })],
  },
  'time-without-zone': cell(measuredOn, ['2026-01-02 10:30'], ['2026-01-02T10:30-03:00', '2026-01-02']),
  'date-short-year': cell((text) => by(shortYears, br({ 'Data de Nascimento': text })), ['02/03/80'], []),
  'gender-numbered': cell(inBrazil('Gênero'), ['2'], []),
  'test-unknown': cell(
    (text) => ({ file: `mrn,family_name,test,value\n77,Miller,${text},5.5\n`, mapping: labs }),
    ['Xyz'],
    ['2823-3', 'Potassium'],
  ),
  'result-conflict': {
    quotes: ['corrections=amend'],
    wrong: [
      by(
        merging,
        en({ weight_kg: '70', observed_on: '2026-01-02' }, { weight_kg: '71', observed_on: '2026-01-02' }),
      ),
    ],
    right: [
      by(
        merging,
        en({ weight_kg: '70', observed_on: '2026-01-02' }, { weight_kg: '71', observed_on: '2026-01-03' }),
      ),
    ],
  },
  'number-out-of-range': cell(inEnglish('weight_kg'), ['7200'], ['72.00']),
  'measurement-incomplete': {
    quotes: ['120', '80'],
    wrong: [en({ systolic: '120', diastolic: '' })],
    right: [en({ systolic: '120', diastolic: '80' }), en({ systolic: '', diastolic: '' })],
  },
  'list-lengths': {
    quotes: ['Asthma|Migraine', '2010', '2010|'],
    wrong: [en({ conditions: 'Asthma|Migraine', onset_dates: '2010' })],
    right: [en({ conditions: 'Asthma|Migraine', onset_dates: '2010|' })],
  },
  'pregnant-male': {
    quotes: ['Masculino', 'Gestante'],
    wrong: [br({ Gênero: 'Masculino', Observação: 'Gestante' })],
    right: [br({ Gênero: 'Feminino', Observação: 'Gestante' }), br({ Gênero: 'Masculino' })],
  },
  'duplicate-in-file': {
    quotes: ['duplicate_in_file', 'first', 'last', 'merge'],
    wrong: [differ],
    right: [
      br({}),
      ...['first', 'last', 'merge'].map((duplicates) =>
        by(policies({ duplicate_in_file: duplicates }), differ),
      ),
    ],
  },
  'identifier-shared': {
    quotes: [],
    wrong: [shared, { ...shared, file: shared.file.replace('123.456.789-09', '') }],
    right: [
      { ...shared, file: shared.file.replace('123.456.789-09,77', '123.456.789-09,78') },
      { ...shared, file: 'Nome,CPF,mrn\nAna Souza,529.982.247-25,77\nAna Souza,529.982.247-25,77\n' },
    ],
  },
  'cpf-check-digits': cell(inBrazil('CPF'), ['123.456.789-00'], ['123.456.789-09']),
  'cpf-padded': cell(inBrazil('CPF'), ['1234567890'], ['01234567890', '012.345.678-90']),
  'name-single': cell(inBrazil('Nome'), ['Ana'], ['Ana Souza']),
  'name-note': cell(inBrazil('Nome'), ['Ana Souza (falecida)'], ['Ana Souza']),
  'name-temporary': cell(inBrazil('Nome'), ['RN de Maria Souza'], ['Ana Souza']),
  'name-unclear': cell(inBrazil('Nome'), ['Souza, Ana, Maria'], ['Souza, Ana Maria']),
  'name-title': cell(inBrazil('Nome'), ['Dra. Ana Souza'], []),
  'birth-date-improbable': cell(inBrazil('Data de Nascimento'), ['01/01/1891'], ['01/01/1981']),
  'phone-area-code': cell(inBrazil('Telefone'), ['(20) 3456-7890'], ['(21) 3456-7890']),
  'phone-format': cell(inBrazil('Telefone'), ['3456-7890'], ['(11) 3456-7890', '+351 21 345 6789']),
  'phone-note': cell(
    inBrazil('Telefone'),
    ['(11) 3456-7890 xyz'],
    ['(11) 3456-7890', '(11) 3456-7890 (mãe)'],
  ),
  'phone-contact': cell(inBrazil('Telefone'), ['(11) 3456-7890 (mãe)'], []),
  'email-format': cell(inEnglish('email'), ['ana.example.org'], ['ana@example.org']),
  'country-unknown': cell(inBrazil('País de Nascimento'), ['Brazilian'], ['Brasil', 'BR']),
  'number-unlikely': { quotes: ['300'], wrong: [en({ weight_kg: '300' })], right: [en({ weight_kg: '70' })] },
  'pregnancy-age': {
    quotes: ['Gestante', '01/01/1940'],
    wrong: [br({ Observação: 'Gestante', 'Data de Nascimento': '01/01/1940' })],
    right: [br({ Observação: 'Gestante', 'Data de Nascimento': '01/01/1990' })],
  },
  'pregnancy-diabetes': cell(
    inBrazil('Observação'),
    ['Gestante|Diabético'],
    ['Gestante|Diabetes gestacional'],
  ),
  'term-unmapped': cell(inBrazil('Observação'), ['Diabétco'], ['Diabético']),
  'term-ambiguous': {
    ...cell(inBrazil('Observação'), ['não diabético'], []),
    right: [br({ Observação: '' })],
  },
  'term-code-invalid': cell(inBrazil('Observação'), ['73211008'], ['73211009']),
  'icd-code-invalid': cell(
    (text) => ({ file: `mrn,family_name,icd\n77,Miller,${text}\n`, mapping: withIcd }),
    ['E1'],
    ['E11', 'E11.9'],
  ),
  'icd-code-contradicts': cell(
    (text) => ({ file: `mrn,family_name,conditions,icd\n77,Miller,diabetes,${text}\n`, mapping: withIcd }),
    ['I10'],
    ['E14', 'E11.9'],
  ),
  'term-text-only': {
    quotes: ['Sopro', 'unknown_words', 'wait'],
    wrong: [by(policies({ unknown_words: 'text_only' }), br({ Observação: 'Sopro' }))],
    right: [by(policies({ unknown_words: 'wait' }), br({ Observação: 'Sopro' }))],
  },
  'duplicate-same': { quotes: [], wrong: [same], right: [br({})] },
  'duplicate-merged': {
    quotes: [],
    wrong: [by(policies({ duplicate_in_file: 'merge' }), differ)],
    right: [br({})],
  },
  'duplicate-set-aside': {
    quotes: ['last'],
    wrong: [by(policies({ duplicate_in_file: 'last' }), differ)],
    right: [br({})],
  },
};
