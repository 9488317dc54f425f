import type { Patient } from '@medplum/fhirtypes';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/mapping/canonical.json.js';
import { mergePatient } from '../../src/mapping/owned.merge.js';
import { isFormula, withoutTextFormula } from '../../src/mapping/values/formula.js';
import { readFullName, readNameParts } from '../../src/mapping/values/person.name.js';
import { readPhones } from '../../src/mapping/values/phone.js';
import { foldText } from '../../src/mapping/words/folding.js';

const parts = (...values: (string | undefined)[]) => values.filter((part) => part !== undefined).join(' ');

const readCell = (text: string, country = 'BR') => {
  const { own, contacts, issues } = readPhones(text, country, 'phone');
  return {
    own: own.map(({ value, use }) => parts(value, use)),
    contacts: contacts.map(({ relationship, name, telecom }) =>
      parts(relationship?.[0]?.coding?.at(-1)?.code, name?.text, telecom?.[0]?.value),
    ),
    codes: issues.map(({ code }) => code),
  };
};

describe('a phone cell', () => {
  it.each([
    ['(11) 91234-5678 (mãe)', 'MTH +5511912345678'],
    ['(11) 91234-5678 - Maria (mãe)', 'MTH Maria +5511912345678'],
    ['celular da esposa: (11) 91234-5678', 'WIFE +5511912345678'],
    ['(11) 91234-5678 vizinha', 'NBOR +5511912345678'],
    ['(11) 91234-5678 recado', 'C +5511912345678'],
    ['pai 11 3456-7890 ramal 7', 'FTH +551134567890;ext=7'],
  ])('%s is the number of another person', (text, contact) => {
    expect(readCell(text)).toEqual({ own: [], contacts: [contact], codes: ['phone-contact'] });
  });

  it.each([
    ['+1 212 555 0100 (mother)', 'US', 'MTH +12125550100'],
    ['030 901820 (Mutter)', 'DE', 'MTH +4930901820'],
    ['01 42 68 53 00 (mère)', 'FR', 'MTH +33142685300'],
    ['91 411 11 11 (hijo)', 'ES', 'SONC +34914111111'],
  ])('%s in %s is the number of another person', (text, country, contact) => {
    expect(readCell(text, country).contacts).toEqual([contact]);
    expect(readCell(text, country).own).toEqual([]);
  });

  it.each([
    ['(11) 91234-5678', ['+5511912345678 mobile']],
    ['cel. (11) 91234-5678', ['+5511912345678 mobile']],
    ['(11) 3456-7890 trabalho', ['+551134567890 work']],
    ['+55 11 3456-7890 ramal 2', ['+551134567890;ext=2']],
    ['(11) 3456-7890 / (11) 91234-5678', ['+551134567890', '+5511912345678 mobile']],
    ['(11) 3456-7890/(11) 91234-5678 cel', ['+551134567890', '+5511912345678 mobile']],
    ['(11) 3456-7890, ramal 2', ['+551134567890;ext=2']],
    ['11 3456-7890 ou 11 91234-5678', ['+551134567890', '+5511912345678 mobile']],
  ])('%s has numbers of the patient', (text, own) => {
    expect(readCell(text)).toEqual({ own, contacts: [], codes: [] });
  });

  it('keeps apart the numbers of the patient and of others in one cell', () => {
    expect(readCell('(11) 3456-7890; (11) 91234-5678 (mãe)')).toEqual({
      own: ['+551134567890'],
      contacts: ['MTH +5511912345678'],
      codes: ['phone-contact'],
    });
  });

  it('never gives the patient a number with an unknown word', () => {
    const number = fc.constantFrom('(11) 91234-5678', '(11) 3456-7890', '+351 21 345 6789');
    fc.assert(
      fc.property(fc.stringMatching(/^[a-zà-ú]{3,9}$/), number, fc.boolean(), (word, digits, before) => {
        expect(readCell(before ? `qz${word}: ${digits}` : `${digits} (qz${word})`)).toEqual({
          own: [],
          contacts: [],
          codes: ['phone-note'],
        });
      }),
    );
  });

  it('takes back the number that an earlier version stored as the number of the patient', () => {
    const earlier: Patient = {
      resourceType: 'Patient',
      telecom: [{ id: 'radgate-phone', system: 'phone', value: '+5511912345678' }],
    };
    const { contacts } = readPhones('(11) 91234-5678 (mãe)', 'BR', 'phone');
    const ours: Patient = {
      resourceType: 'Patient',
      contact: contacts.map(({ relationship = [], telecom = [] }) => ({
        id: 'radgate-contact',
        relationship,
        telecom,
      })),
    };
    const { resource, changes } = mergePatient(earlier, ours);
    expect(resource).toEqual(ours);
    expect(changes.map(({ element }) => element)).toEqual(['telecom', 'contact']);
    expect(mergePatient(resource, ours).changes).toEqual([]);
  });
});

describe('a name', () => {
  it.each([
    ['Silva, Ana Maria', 'BR', '|Ana Maria|Silva||'],
    ['dos Santos, Maria', 'BR', '|Maria|dos Santos||'],
    ['SMITH, JOHN', 'US', '|JOHN|SMITH||'],
    ['Smith, John, Jr.', 'US', '|John|Smith|Jr.|name-title'],
    ['John Smith Jr.', 'US', '|John|Smith|Jr.|name-title'],
    ['John Smith III', 'US', '|John|Smith|III|name-title'],
    ['José Lima Júnior', 'BR', '|José|Lima Júnior||'],
    ['DUPONT Marie', 'FR', '|Marie|DUPONT||'],
    ['Marie DUPONT', 'FR', '|Marie|DUPONT||'],
    ['MARTIN-DUPONT Jean Paul', 'FR', '|Jean Paul|MARTIN-DUPONT||'],
    ['Mme DE LA TOUR Éloïse', 'FR', 'Mme|Éloïse|DE LA TOUR||name-title'],
    ['Ana da SILVA', 'BR', '|Ana|da SILVA||'],
    ['JOSE da Silva', 'BR', '|JOSE|da Silva||'],
    ['ANA SILVA', 'BR', '|ANA|SILVA||'],
    ['J Smith', 'GB', '|J|Smith||'],
    ['Lima Júnior, José', 'BR', '|José|Lima Júnior||'],
    ['Ana Souza, MD', 'US', '|Ana|Souza|MD|name-title'],
    ['Dra. Ana Souza', 'BR', 'Dra.|Ana|Souza||name-title'],
    ['Sr. João Lima', 'BR', 'Sr.|João|Lima||name-title'],
    ['Herr Hans Meier', 'DE', 'Herr|Hans|Meier||name-title'],
    ['Silva, Dr. Ana', 'BR', 'Dr.|Ana|Silva||name-title'],
    ['Ana Souza (falecida)', 'BR', '|Ana|Souza||name-note'],
    ['Ana Souza [leito 12]', 'BR', '|Ana|Souza||name-note'],
    ['Ana Souza - óbito', 'BR', '|Ana|Souza||name-note'],
    ['Ana Souza - leito 12', 'BR', '|Ana|Souza||name-note'],
    ['Ana Souza falecida', 'BR', '|Ana|Souza||name-note'],
    ['† Ana Souza', 'BR', '|Ana|Souza||name-note'],
    ['Ana', 'BR', '|Ana|||name-single'],
    ['RN de Maria Silva', 'BR', '||||name-temporary'],
    ['Baby boy Smith', 'US', '||||name-temporary'],
    ['Silva, Ana, Maria', 'BR', '||||name-unclear'],
    ['Silva,', 'BR', '|Silva|||name-single'],
    ['(Ana)', 'BR', '|(Ana)|||name-single'],
  ])('%s of a list from %s is taken apart', (text, country, expected) => {
    const { name, codes } = readFullName(text, country);
    const { given = [], family = '', prefix = [], suffix = [] } = name;
    expect(`${parts(...prefix)}|${parts(...given)}|${family}|${parts(...suffix)}|${parts(...codes)}`).toBe(
      expected,
    );
  });

  it.each([
    ['Mary Ann', 'Smith Jr.', 'US', '|Mary Ann|Smith|Jr.|name-title'],
    ['Mary Ann', 'Lima Júnior', 'BR', '|Mary Ann|Lima Júnior||'],
    ['Dr. Mary', 'Smith (deceased)', 'US', 'Dr.|Mary|Smith||name-note name-title'],
    ['Baby of', 'Smith', 'US', '||||name-temporary'],
  ])('in two cells, %s and %s of %s, is taken apart', (first, last, country, expected) => {
    const { name, codes } = readNameParts(first, last, country);
    const { given = [], family = '', prefix = [], suffix = [] } = name;
    expect(`${parts(...prefix)}|${parts(...given)}|${family}|${parts(...suffix)}|${parts(...codes)}`).toBe(
      expected,
    );
  });

  it('without a note keeps its text as it is written, and never becomes empty', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (rest) => {
        const text = `A${rest}`.trim();
        const { name, codes } = readFullName(text, 'US');
        expect(name.text).not.toBe('');
        if (!codes.includes('name-note')) expect(name.text).toBe(text);
      }),
    );
  });
});

describe('a formula', () => {
  it.each([
    '=1+1',
    '=A1',
    '=SUM(A1:A3)',
    '= A1 & B1',
    '="a"&B1',
    '=-1',
    '@SUM(1+1)',
    '+A1',
    '-A1*2',
    '+SUM(A1)',
    '-2+3+cmd|x',
    "+cmd|' /C calc'!A0",
    '+1+A1',
    "-'Sheet 2'!A1",
  ])('is %s, because a spreadsheet calculates it', (text) => {
    expect(isFormula(text)).toBe(true);
  });

  it.each([
    '- diabético',
    '-diabético',
    '- diabético (tipo 2)',
    '-asma e rinite',
    '+55 11 3456-7890 ramal 2',
    '+55 11 3456-7890',
    '-12,5',
    '+',
    '-',
    '--',
    '=>',
    '== ver nota',
    '=)',
    '@joao',
    'ana@example.org',
    '- HIV+',
    '+ + +',
    '-1 a 3 vezes',
  ])('is not %s', (text) => {
    expect(isFormula(text)).toBe(false);
  });

  it('that only holds a text is this text', () => {
    expect(['="00123"', '="a ""b"""', '=A1', 'Ana'].map(withoutTextFormula)).toEqual([
      '00123',
      'a "b"',
      '=A1',
      'Ana',
    ]);
  });
});

describe('a text for comparison', () => {
  it('is folded alike with and without the short way for ASCII', () => {
    const characters = fc.constantFrom(
      'a',
      'Z',
      ' ',
      '\t',
      '\n',
      '\v',
      '\r',
      '-',
      '~',
      '\0',
      'é',
      'E\u0301',
      '\u00a0',
      'ß',
      'İ',
    );
    fc.assert(
      fc.property(fc.array(characters), (some) => {
        const text = some.join('');
        const folded = text
          .normalize('NFKD')
          .replace(/\p{M}+/gu, '')
          .toLowerCase()
          .replace(/\s+/gu, ' ')
          .trim();
        expect(foldText(text)).toBe(folded);
      }),
    );
  });

  it('is the same JSON for equal values, whatever the order of the members, and reads as the value', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const members = Object.entries(value);
        const turned = { ...Object.fromEntries(members.toReversed()), ['absent value']: undefined };
        expect(canonicalJson(turned)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
        const names = members.map(([name]) => name).sort();
        expect(Object.keys(JSON.parse(canonicalJson(value))).sort()).toEqual(names);
      }),
    );
  });
});
