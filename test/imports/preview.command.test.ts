import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CIRCULATING, encodeList, patientFile } from '../../infra/demo/patients.file.ts';
import { COLUMNS } from '../../infra/demo/patients.list.ts';
import { SHIPPED_MAPPINGS } from '../../src/mapping/defaults.js';

const command = join(import.meta.dirname, '../../dist/imports/jobs/preview.command.js');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'radgate-preview-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the command with an empty environment, because it needs no server, database or setting. */
function run(...args: readonly string[]) {
  return new Promise<{ status: number; said: string; errors: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      [command, ...args],
      { cwd: folder, env: {} },
      (_, said, errors) => resolve({ status: child.exitCode ?? -1, said, errors }),
    );
  });
}

async function fileOf(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const rowOf = (cpf: string, note: string, phone = '') => [
  'Ana Souza',
  cpf,
  'Feminino',
  '05/06/1970',
  phone,
  'Brasil',
  note,
];
const listOf = (...rows: readonly (readonly string[])[]) => encodeList([[...COLUMNS], ...rows], CIRCULATING);

describe('npm run mapping:test', () => {
  it('tells what the sample list would give: 50 Patients, 11 Conditions, 4 Observations', async () => {
    const { status, said } = await run(await fileOf('sample.csv', patientFile()));
    expect(status).toBe(0);
    expect(said).toContain('rows       50 written\n');
    expect(said).toContain('resources  50 Patient, 11 Condition, 4 Observation\n');
    expect(said).toContain('50 × cpf-check-digits');
    expect(said).toContain('5 × phone-area-code');
    expect(said).toMatch(/^row 3 {2}written: Patient, Condition 73211009 Diabetes mellitus$/m);
    expect(said).toContain('30 more rows');
  });

  it('shows rows that are refused, wait or come twice, with their reasons, and ends with 1', async () => {
    const list = listOf(
      rowOf('444.555.666-10', 'Zumbidite'),
      rowOf('1,2E+10', ''),
      rowOf('444.555.666-11', ''),
      rowOf('444.555.666-11', ''),
      rowOf('444.555.666-12', '', '(11) 3456-7890'),
      rowOf('444.555.666-12', '', '(11) 3456-7891'),
    );
    const file = await fileOf('mixed.csv', list);
    const { status, said } = await run(file);
    expect(status).toBe(1);
    expect(said).toContain('rows       1 waiting, 3 rejected, 1 written, 1 duplicate\n');
    expect(said).toContain('waiting words  1 Zumbidite');
    expect(said).toMatch(/^row 3 {2}rejected\n {4}error identifier-scientific \(CPF\): /m);
    expect(said).toMatch(/^ {4}information duplicate-same: Another row .* See row 4\.$/m);
    expect(said).toMatch(/^ {4}error duplicate-in-file: Another row .* See row 7\.$/m);
    const lines = (await run(file, '--json')).said.trimEnd().split('\n');
    expect(lines).toHaveLength(6);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      row: 2,
      state: 'waiting',
      words: ['Zumbidite'],
      resources: [{ resourceType: 'Patient', birthDate: '1970-06-05' }],
    });
  });

  it('tries a mapping document that is stored nowhere, and names what is wrong with one', async () => {
    const [brazil] = SHIPPED_MAPPINGS;
    const strict = {
      ...brazil,
      name: 'strict',
      policies: { ...brazil?.policies, cpf_check_digits: 'error' },
    };
    const list = await fileOf('one.csv', listOf(rowOf('444.555.666-10', '')));
    const mapping = await fileOf('strict.json', JSON.stringify(strict));
    expect((await run(list, '--mapping', mapping)).said).toContain('rows       1 rejected\n');
    const wrong = await fileOf('wrong.json', JSON.stringify({ ...strict, version: 0 }));
    expect(await run(list, '--mapping', wrong)).toMatchObject({
      status: 2,
      errors: expect.stringMatching(/^version: /),
    });
  });

  it('ends with 2 and a sentence when the list, the mapping or an option is wrong', async () => {
    const file = await fileOf(
      'spreadsheet.csv',
      Buffer.from('PK\u0003\u0004 xl/workbook [Content_Types].xml'),
    );
    expect(await run(file)).toMatchObject({
      status: 2,
      said: '',
      errors: expect.stringMatching(/^file-spreadsheet: /),
    });
    expect(await run(file, '--mapping', 'none')).toMatchObject({
      status: 2,
      errors: expect.stringContaining('brazil-hospital'),
    });
    expect(await run(file, '--rows', 'many')).toMatchObject({
      status: 2,
      errors: 'rows: Invalid --rows. Use a number.\n',
    });
    const missing = join(folder, 'missing.csv');
    expect(await run(missing)).toEqual({
      status: 2,
      said: '',
      errors: `${missing} does not exist. Name a CSV file.\n`,
    });
    expect(await run(folder)).toEqual({
      status: 2,
      said: '',
      errors: `${folder} is not a file. Name a CSV file.\n`,
    });
    expect((await run('--help')).said).toContain('--json');
  });
});
