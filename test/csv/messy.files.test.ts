import { describe, expect, it } from 'vitest';
import { isFooterLine } from '../../src/csv/footer.rows.js';
import { readCsv } from './csv.reading.ts';

const ROWS = ['Ana Souza,11111111111,F', 'João Lima,22222222222,M', 'Eva Total,33333333333,F'];
const LIST = ['Nome,CPF,Gênero', ...ROWS].join('\n');
const CELLS = ROWS.map((row) => row.split(','));
const with3 = (more: string) => LIST.replaceAll('\n', `${more}\n`) + more;

describe('a list as a report program prints it', () => {
  it.each<[string, string, number[]]>([
    ['one title line', `Lista de pacientes\n${LIST}\n`, [3, 4, 5]],
    [
      'title lines with delimiters and blank lines',
      `Hospital São José,,\n,,\nEmitido em: 01/02/2026,,\n\n${LIST}`,
      [6, 7, 8],
    ],
    ['a title with a known column name', `Telefone do hospital: 1\nNome\n${LIST}`, [4, 5, 6]],
    ['a title of several lines', `"Lista\nde pacientes",,\n${LIST}`, [3, 4, 5]],
    ['a sep= line and a title', `sep=,\r\nLista\r\n${LIST}`, [3, 4, 5]],
    ['empty columns at the end', with3(',,'), [2, 3, 4]],
    ['empty columns at the end of the rows only', `Nome,CPF,Gênero\n${ROWS.join(',,\n')},,`, [2, 3, 4]],
    ['a total', `${LIST}\n\nTotal: 3\n`, [2, 3, 4]],
    ['a total in cells', `${LIST}\nTotal de pacientes,3,\n`, [2, 3, 4]],
    [
      'a total, the date and the end',
      `${LIST}\n3 registros,,\nGerado em 01/02/2026 10:00\n--- Fim ---\n,,\n`,
      [2, 3, 4],
    ],
    ['everything', `Lista\n\n${with3(',')}\nTotal;3\n`.replaceAll(';', ','), [4, 5, 6]],
  ])('with %s is read as the plain list', async (_, text, numbers) => {
    for (const delimiter of [',', ';', '\t', '|', '^', '~'])
      for (const chunk of [1, 65_536]) {
        const { rows } = await readCsv(text.replaceAll(',', delimiter), { chunk });
        expect(rows.map(({ fault, cells }) => fault?.code ?? cells)).toEqual(CELLS);
        expect(rows.map(({ row }) => row)).toEqual(numbers);
      }
  });

  it('keeps lines in the middle and lines that may be patients: they are rejected, not skipped', async () => {
    const { rows } = await readCsv(`Nome,CPF,Gênero\n${ROWS[0]}\nTotal: 1\n${ROWS[1]}\nMaria Silva\n`);
    expect(rows.map(({ fault }) => fault?.code)).toEqual([
      undefined,
      'column-count',
      undefined,
      'column-count',
    ]);
  });

  it('refuses values in a column without a name, also at the end', async () => {
    await expect(readCsv(`Nome,CPF,,\nAna,1,,\nEva,2,,x\n`)).rejects.toMatchObject({
      code: 'file-column-unnamed',
    });
    const late = `Nome,CPF,,\n${'Ana,1,,\n'.repeat(100)}Eva,2,,x\n`;
    expect((await readCsv(late)).rows.at(-1)?.fault?.code).toBe('column-count');
  });
});

describe('a footer', () => {
  it.each([
    'Total: 50',
    'TOTAL',
    'Total geral: 1.234',
    'Total of patients = 50',
    'Total de registros: 50',
    'Gesamt',
    'Anzahl: 3',
    'Anzahl der Patienten: 3',
    'Nombre de patients : 12',
    '(50 rows affected)',
    '12 registros',
    'Registros: 12',
    'End of report',
    '*** Fim do relatório ***',
    'Página 1 de 1',
    'Printed on 2026-02-01 10:00',
    'Ende',
  ])('can be %s', (text) => {
    expect(isFooterLine([text, '', ''])).toBe(true);
  });

  it.each(['Ana Total', 'Total Silva,11111111111', 'Page Smith', 'Maria,1', 'Fin Jones', '50'])(
    'cannot be %s',
    (text) => {
      expect(isFooterLine(text.split(','))).toBe(false);
    },
  );
});
