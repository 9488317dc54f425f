import { gzipSync } from 'node:zlib';
import iconv from 'iconv-lite';
import { openDocument, openRow, sheetRows, workbook } from '../csv/workbook.maker.ts';
import {
  BRAZIL,
  type Example,
  br,
  brazil,
  by,
  cell,
  changed,
  listOf,
  numbered,
  raw,
} from './examples.world.ts';

const windows = iconv.encode(listOf(BRAZIL, [{}]), 'windows-1252');
const packed = gzipSync(
  listOf(
    BRAZIL,
    Array.from({ length: 2_000 }, () => ({})),
  ),
);

const cells = [Object.keys(BRAZIL), Object.values(BRAZIL)];
const oneSheet = workbook(sheetRows(...cells));
const twoSheets = openDocument(cells.map((row) => openRow(...row)).join(''));
const encrypted = '<m:manifest xmlns:m="urn:m"><m:encryption-data/></m:manifest>';

/** An example for each import code that concerns a whole file. */
export const FILE_EXAMPLES: Readonly<Record<string, Example>> = {
  'file-empty': { quotes: [], wrong: [{ file: '' }], right: [br({})] },
  'file-header-only': { quotes: ['Nome,CPF'], wrong: [raw('Nome,CPF')], right: [numbered('Ana Souza')] },
  'file-header-missing': {
    quotes: ['Nome,CPF,…'],
    wrong: [raw('Ana Exemplo,529.982.247-25')],
    right: [raw('Nome,CPF', 'Ana Exemplo,529.982.247-25')],
  },
  'file-column-missing': {
    quotes: ['Nome,Telefone', 'Nome,CPF,Telefone', 'Nome,Registro', 'Registro', 'cpf'],
    wrong: [
      raw('Nome,Telefone', 'Ana Souza,(11) 3333-4444'),
      raw('Nome,Registro', 'Ana Souza,529.982.247-25'),
    ],
    right: [
      raw('Nome,CPF,Telefone', 'Ana Souza,529.982.247-25,(11) 3333-4444'),
      by(
        changed(brazil, { source: { ...brazil?.source, aliases: { name: ['Nome'], cpf: ['Registro'] } } }),
        raw('Nome,Registro', 'Ana Souza,529.982.247-25'),
      ),
    ],
  },
  'file-column-double': cell(
    (header) => raw(header, 'Ana Souza,529.982.247-25,Eva Souza'),
    ['Nome,CPF,Paciente'],
    ['Nome,CPF,Acompanhante'],
  ),
  'file-column-unnamed': {
    quotes: ['Nome,CPF,', 'Nome,CPF'],
    wrong: [raw('Nome,CPF,', 'Ana Souza,529.982.247-25,Feminino')],
    right: [numbered('Ana Souza')],
  },
  'file-columns-too-many': {
    quotes: [],
    wrong: [br(Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`c${at}`, ''])))],
    right: [br({})],
  },
  'file-gzip-broken': {
    quotes: ['list.csv.gz'],
    wrong: [{ file: packed.subarray(0, packed.length - 20) }],
    right: [{ file: gzipSync(listOf(BRAZIL, [{}])) }],
  },
  'file-spreadsheet': { quotes: [], wrong: [{ file: 'PK\u0003\u0004 xl/workbook.xml' }], right: [br({})] },
  'file-encrypted': {
    quotes: ['list.ods'],
    wrong: [{ file: openDocument('', { 'content.xml': '?', 'META-INF/manifest.xml': encrypted }) }],
    right: [{ file: twoSheets }],
  },
  'file-sheet-missing': {
    quotes: ['?sheet=4', '?sheet=1'],
    wrong: [{ file: twoSheets, sheet: '4' }],
    right: [
      { file: twoSheets, sheet: '1' },
      { file: twoSheets, sheet: 'Pacientes' },
    ],
  },
  'file-sheet-unexpected': {
    quotes: ['?sheet=1', 'list.csv'],
    wrong: [{ ...br({}), sheet: '1' }],
    right: [br({})],
  },
  'file-archive': {
    quotes: ['list.csv', 'list.csv.gz'],
    wrong: [{ file: 'PK\u0003\u0004 list.csv' }],
    right: [br({}), { file: gzipSync(listOf(BRAZIL, [{}])) }],
  },
  'file-binary': { quotes: [], wrong: [{ file: '%PDF-1.7' }], right: [br({})] },
  'file-encoding-unknown': {
    quotes: ['?encoding=klingon', '?encoding=windows-1252'],
    wrong: [{ file: windows, encoding: 'klingon' }],
    right: [{ file: windows, encoding: 'windows-1252' }, { file: windows }],
  },
  'file-encoding-wrong': {
    quotes: ['?encoding=utf-8', '?encoding=windows-1252'],
    wrong: [{ file: windows, encoding: 'utf-8' }],
    right: [{ file: windows, encoding: 'windows-1252' }, { file: windows }],
  },
  'file-header-undecodable': cell(
    (name) => raw(`Nome,CPF,${name}`, 'Ana Souza,529.982.247-25,Feminino'),
    ['G\u{FFFD}nero'],
    ['Gênero'],
  ),
  'columns-ignored': {
    quotes: ['Nome,CPF,Cor', 'Cor'],
    wrong: [raw('Nome,CPF,Cor', 'Ana Souza,529.982.247-25,azul')],
    right: [
      by(
        changed(brazil, {
          source: { ...brazil?.source, aliases: { ...brazil?.source.aliases, note: ['Cor'] } },
        }),
        raw('Nome,CPF,Cor', 'Ana Souza,529.982.247-25,'),
      ),
    ],
  },
  'sheets-ignored': {
    quotes: ['?sheet=2'],
    wrong: [{ file: twoSheets }],
    right: [{ file: oneSheet }],
  },
  'title-lines-skipped': {
    quotes: ['Hospital Exemplo', 'Nome,CPF'],
    wrong: [raw('Hospital Exemplo', '', 'Nome,CPF', 'Ana Souza,529.982.247-25')],
    right: [numbered('Ana Souza')],
  },
  'footer-lines-skipped': {
    quotes: ['Total: 50'],
    wrong: [raw('Nome,CPF', 'Ana Souza,529.982.247-25', '', 'Total: 50')],
    right: [numbered('Ana Souza')],
  },
  'text-damaged': {
    quotes: ['errors.csv'],
    wrong: [
      {
        file: Buffer.concat([
          Buffer.from(listOf(BRAZIL, [{ Nome: 'João Souza' }]).trimEnd()),
          Buffer.from('Jos\xe9\n', 'latin1'),
        ]),
      },
    ],
    right: [br({ Nome: 'José Souza' })],
  },
  'file-broken-quotes': {
    quotes: ['"'],
    wrong: [raw('Nome,CPF', ...Array<string>(1_001).fill('a "b" c,529.982.247-25'))],
    right: [raw('Nome,CPF', '"a ""b"" c",529.982.247-25')],
  },
};
