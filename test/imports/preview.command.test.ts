import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CIRCULATING, encodeList, patientFile } from '../../infra/demo/patients.file.ts';
import { COLUMNS } from '../../infra/demo/patients.list.ts';
import { SHIPPED_MAPPINGS } from '../../src/mapping/defaults.js';
import { isLong, sample } from '../support/long.form.ts';

const commands = join(import.meta.dirname, '../../dist/imports/jobs');
const samples = join(import.meta.dirname, '../../docs/samples');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'radgate-preview-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (...args: readonly string[]) => runCommand('preview.command.js', args);
const draft = (...args: readonly string[]) => runCommand('draft.command.js', args);

/** Runs a command with an empty environment, because it needs no server, database or setting. */
function runCommand(command: string, args: readonly string[]) {
  return new Promise<{ status: number; said: string; errors: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      [join(commands, command), ...args],
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

/** Lines about rows, each without the order of its resources. */
const withoutOrder = (lines: readonly string[]) => lines.map((line) => line.split(/: |, /u).sort());

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
    const missing = join(folder, 'missing.csv');
    const wrong: readonly (readonly [args: readonly string[], errors: RegExp])[] = [
      [[file], /^file-spreadsheet: /],
      [[file, '--mapping', 'none'], /brazil-hospital/],
      [[file, '--rows', 'many'], /^rows: Invalid --rows\. Use a number\.\n$/],
      [[missing], /^\/.*missing\.csv does not exist\. Name a CSV file\.\n$/],
      [[folder], /^\/.* is not a file\. Name a CSV file\.\n$/],
    ];
    for (const [args, errors] of sample(wrong, 2))
      expect(await run(...args)).toEqual({ status: 2, said: '', errors: expect.stringMatching(errors) });
    if (isLong) expect((await run('--help')).said).toContain('--json');
  });
});

describe('npm run mapping:draft', () => {
  it('drafts the mapping of docs/mapping-guide.md, which gives the resources of its finished mapping', async () => {
    const [list, out] = [join(samples, 'clinic.csv'), join(folder, 'draft.mapping.json')];
    const { status, said } = await draft(list, '--name', 'clinic-lab', '--out', out);
    expect(status).toBe(1);
    const guide = await readFile(join(samples, '../mapping-guide.md'), 'utf8');
    const shown = [...guide.matchAll(/```text\n((?:DOB|question)[^]*?)```/gu)].map(([, text = '']) => text);
    expect(shown).toHaveLength(2);
    for (const text of shown) expect(said).toContain(text);
    expect(said).toContain('resources  4 Patient, 4 Condition, 14 Observation\n');
    const finished = join(samples, 'clinic.mapping.json');
    const resourcesOf = async (mapping: string) =>
      (await run(list, '--mapping', mapping)).said.split('\n').filter((line) => line.startsWith('row '));
    const ofDraft = await resourcesOf(out);
    expect(ofDraft).toHaveLength(4);
    expect(withoutOrder(ofDraft)).toEqual(withoutOrder(await resourcesOf(finished)));
    // A draft that a person has changed is never overwritten.
    expect(await draft(list, '--out', out)).toMatchObject({
      status: 2,
      errors: expect.stringContaining(out),
    });
  });

  it('writes only the draft to the standard output with --out -, and tells what is missing', async () => {
    const list = await fileOf('own.csv', 'MRN,DOB\nA1,2001-02-03\nA2,2004-05-06\n');
    const { status, said } = await draft(list, '--out', '-');
    expect(status).toBe(0);
    expect(JSON.parse(said)).toMatchObject({ format: 1, patient: { birth_date: { copy: 'birth_date' } } });
    const nobody = await fileOf('nobody.csv', 'Name,DOB\nAna,2001-02-03\nEva,2004-05-06\n');
    expect(await draft(nobody)).toMatchObject({
      status: 2,
      said: expect.stringContaining('question identifier-missing'),
    });
  });

  it('tells that a shipped mapping fits, and ends with 2 and a sentence for wrong options', async () => {
    expect((await draft(await fileOf('fits.csv', patientFile()))).said).toContain('brazil-hospital@1 fits');
    expect(await draft(folder, '--language', 'xx')).toEqual({
      status: 2,
      said: '',
      errors: 'language: Invalid --language. Use one of en, pt, es, fr, de.\n',
    });
    if (isLong) expect((await draft('--help')).said).toContain('--out');
  });
});
