import { CIRCULATING, encodeList } from '../../infra/demo/patients.file.ts';
import { SHIPPED_MAPPINGS } from '../../src/mapping/defaults.js';
import { RECORD_RULES } from '../mapping/record.rules.ts';

const PROFILE_URL = 'http://example.org/fhir/StructureDefinition/radgate-visit';

/** A profile of a package that the FHIR server has. */
export const PROFILE = {
  resourceType: 'StructureDefinition',
  id: 'radgate-visit',
  url: PROFILE_URL,
  name: 'RadgateVisit',
  status: 'active',
  kind: 'resource',
  abstract: false,
  type: 'Encounter',
  baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Encounter',
  derivation: 'constraint',
  differential: { element: [{ id: 'Encounter.identifier', path: 'Encounter.identifier', min: 1 }] },
};

const ALIASES = {
  visit: 'Visita',
  admitted: 'Entrada',
  discharged: 'Saída',
  kind: 'Tipo',
  diagnoses: 'Diagnósticos',
  allergies: 'Alergias',
  drugs: 'Remédios',
  surgery: 'Cirurgias',
  surgery_date: 'Data da cirurgia',
  test: 'Exame',
  result: 'Resultado',
  unit: 'Unidade',
  range: 'Referência',
  taken: 'Coleta',
  sample: 'Amostra',
  pressure: 'Pressão',
} as const;
type Field = keyof typeof ALIASES;

const [brazil] = SHIPPED_MAPPINGS;
const dates = { type: 'date', formats: ['dd/MM/yyyy'] };
const LOINC = 'http://loinc.org';
const by = [';'];
const part = (code: string) => ({
  code: { system: LOINC, code },
  quantity: { unit: 'mmHg', ucum: 'mm[Hg]' },
});

/** The members of a mapping that gives every kind of record. */
export const EVERY_KIND = {
  source: {
    ...brazil?.source,
    zone: 'America/Sao_Paulo',
    aliases: {
      ...brazil?.source.aliases,
      ...Object.fromEntries(Object.entries(ALIASES).map(([field, header]) => [field, [header]])),
    },
  },
  columns: {
    ...brazil?.columns,
    ...Object.fromEntries(Object.keys(ALIASES).map((field) => [field, {}])),
    ...Object.fromEntries(['admitted', 'discharged', 'surgery_date', 'taken'].map((field) => [field, dates])),
  },
  words: [
    ...(brazil?.words ?? []),
    {
      words: { split: 'diagnoses', by },
      codes: { split: 'diagnoses', by, system: 'http://hl7.org/fhir/sid/icd-10' },
      language: 'pt',
    },
  ],
  ...RECORD_RULES,
  observations: [
    {
      name: 'tests',
      kind: 'results',
      category: 'laboratory',
      test: { copy: 'test' },
      value: { copy: 'result' },
      unit: { copy: 'unit' },
      range: { copy: 'range' },
      date: { copy: 'taken' },
      specimen: { number: { copy: 'sample' }, type: { const: 'Sangue' } },
      tests: {
        glicose: { code: { system: LOINC, code: '2345-7' } },
        hiv: { code: { system: LOINC, code: '75622-1' } },
      },
    },
    {
      name: 'pressure',
      kind: 'components',
      category: 'vital-signs',
      code: { system: LOINC, code: '85354-9' },
      combined: { copy: 'pressure' },
      date: { copy: 'taken' },
      components: [part('8480-6'), part('8462-4')],
    },
  ],
  meta: { profiles: { Encounter: [PROFILE_URL] }, source: 'urn:test:his', narrative: true },
};

/**
 * A list of two patients with every kind of record. The parameters are the result and the discharge of the first patient, and the birth date of
 * both patients.
 */
export function everyKindList({ glucose = '<4.0', discharged = '', birth = '05/06/1990' } = {}): Buffer {
  const ana: Record<Field, string> = {
    visit: '7',
    admitted: '02/01/2026 08:15',
    discharged,
    kind: 'Internação',
    diagnoses: 'I10',
    allergies: 'Dipirona <rash>',
    drugs: 'Metformina 500 mg; Losartana',
    surgery: 'Apendicectomia',
    surgery_date: '05/06/2019',
    test: 'Glicose',
    result: glucose,
    unit: 'mg/dL',
    range: '70-99',
    taken: '02/01/2026 09:00',
    sample: 'A-1',
    pressure: '120/80',
  };
  const eva: Record<Field, string> = {
    ...ana,
    visit: '',
    discharged: '05/01/2026',
    kind: '',
    diagnoses: 'Zetabite',
    allergies: 'NKDA',
    drugs: 'nega metformina',
    surgery: 'Parto',
    surgery_date: '',
    test: 'HIV',
    result: 'negativo',
    unit: '',
    range: '',
    sample: '',
  };
  const person = (name: string, cpf: string, phone: string, note: string, cells: Record<Field, string>) => [
    name,
    cpf,
    'Feminino',
    birth,
    phone,
    'Brasil',
    note,
    ...Object.keys(ALIASES).map((field) => Object.entries(cells).find(([one]) => one === field)?.[1] ?? ''),
  ];
  const header = [
    'Nome',
    'CPF',
    'Gênero',
    'Data de Nascimento',
    'Telefone',
    'País de Nascimento',
    'Observação',
  ];
  const rows = [
    [...header, ...Object.values(ALIASES)],
    person('Ana Souza', '222.777.001-10', '(11) 91234-5678 (mãe)', 'Diabético|Gestante', ana),
    person('Eva Lima', '222.777.002-10', '', '', eva),
  ];
  return encodeList(rows, { ...CIRCULATING, encoding: 'utf-8' });
}
