import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CIRCULATING, encodeList } from '../../infra/demo/patients.file.ts';
import { COLUMNS } from '../../infra/demo/patients.list.ts';
import { loadSampleList } from '../../infra/local/sample.list.ts';
import { Clerk } from '../imports/import.world.ts';
import { startTestGateway } from '../support/gateway.ts';
import { startFaultyProxy, testHapi, type Fate, type FaultyProxy } from '../support/hapi.ts';
import { isLong, sample } from '../support/long.form.ts';
import { startWorld, type World } from '../support/world.ts';

const sampleFile = (name: string) => join(import.meta.dirname, '../../docs/samples', name);
const command = join(import.meta.dirname, '../../infra/local/import.ts');

let fate: Fate = 'pass';
let way: FaultyProxy;
let world: World;
let clerk: Clerk;
let folder: string;
beforeAll(async () => {
  const hapi = await testHapi();
  way = await startFaultyProxy(hapi.url, () => fate);
  world = await startWorld({ FHIR_BASE_URL: way.url });
  clerk = await Clerk.start(world);
  folder = await mkdtemp(join(tmpdir(), 'radgate-import-'));
}, 200_000);
afterAll(async () => {
  await world?.stop();
  await way?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs the command as an operator would. The output is not a terminal. `typed` is the standard input. */
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}, typed = '') {
  const { RADGATE_URL: _, RADGATE_KEY: __, ...rest } = process.env;
  return new Promise<{ status: number; said: string; errors: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      [command, ...args],
      { cwd: folder, env: { ...rest, ...env } },
      (_error, said, errors) => resolve({ status: child.exitCode ?? -1, said, errors }),
    );
    child.stdin?.end(typed);
  });
}

async function listOf(name: string, ...rows: readonly (readonly [cpf: string, note: string])[]) {
  const path = join(folder, name);
  const cells = rows.map(([cpf, note]) => ['Ana Souza', cpf, 'Feminino', '05/06/1970', '', 'Brasil', note]);
  await writeFile(path, encodeList([[...COLUMNS], ...cells], CIRCULATING));
  return path;
}

describe('npm run import', () => {
  it('sends a list with an API key and ends with 0; the same again is told', async () => {
    const { key } = await world.machine([
      { rights: ['records:import', 'records:read'], scope: { kind: 'all' } },
    ]);
    const env = { RADGATE_URL: world.gateway.url, RADGATE_KEY: key };
    const file = await listOf('whole.csv', ['333.444.555-10', ''], ['333.444.555-11', 'Hipertenso']);
    const first = await run([file, '--mapping', clerk.mapping], env);
    expect(first).toMatchObject({ status: 0, errors: '' });
    expect(first.said).toMatch(/completed: 2 rows, 2 created\n {2}2 × cpf-check-digits\n/);
    expect(first.said).toMatch(/\n {2}row 2, column CPF: warning cpf-check-digits: [^\n]+\n/);
    const second = await run([file, '--mapping', clerk.mapping], env);
    expect(second.status).toBe(0);
    expect(second.said).toContain('imported before');
  }, 60_000);

  it('finds the local stack, rehearses, and ends with 1 when rows wait or are refused', async () => {
    const data = join(folder, 'stack');
    const admin = { username: 'admin', password: world.adminPassword };
    await writeFile(join(folder, 'stack.json'), JSON.stringify({ gateway: world.gateway.url, admin }));
    const file = await listOf('partly.csv', ['333.444.555-20', 'Zumbidose'], ['1,2E+10', '']);
    const args = [file, '--mapping', clerk.mapping, '--data', folder];
    const rehearsed = await run([...args, '--rehearse']);
    expect(rehearsed.status).toBe(1);
    expect(rehearsed.said).toMatch(/rehearsed: 2 rows, 1 rejected, 1 waiting/);
    expect(rehearsed.said).toMatch(
      /Write the 1 of 2 rows that can be written: npm run import -- [0-9a-f-]{36} --commit/,
    );
    const written = await run(args);
    expect(written.said).toMatch(/row 3, column CPF: error identifier-scientific: /);
    expect(written.said).toMatch(
      / --errors FILE\.csv\nDecide the words and identities .* --decide, or .*\/api\/terms and .*\/reviews\n$/,
    );
    const missing = await run([file, '--data', data]);
    expect(missing.status).toBe(2);
    expect(missing.errors).toContain('stack.json is missing');
  }, 60_000);

  it('writes what can be written, saves the other rows, asks for words, and undoes an import', async () => {
    const { key } = await world.machine([
      { rights: ['records:import', 'records:read', 'terms:decide'], scope: { kind: 'all' } },
    ]);
    const env = { RADGATE_URL: world.gateway.url, RADGATE_KEY: key };
    const rows = [
      ['333.444.556-20', 'Zimbidose'],
      ['333.444.556-21', 'Zombidose'],
      ['1,2E+10', ''],
    ] as const;
    const file = await listOf('commit.csv', ...rows);
    const errors = join(folder, 'errors.csv');
    const done = await run([file, '--mapping', clerk.mapping, '--commit', '--errors', errors], env);
    expect(done).toMatchObject({ status: 1, errors: '' });
    expect(done.said).toMatch(/rehearsed: 3 rows[^]*writing 2 of 3 rows[^]*completed_with_errors: 3 rows/);
    expect(done.said).toContain(`3 rows saved in ${errors}`);
    expect(await readFile(errors, 'utf8')).toContain('1,2E+10');
    const [, id = ''] = /import ([0-9a-f-]{36})/.exec(done.said) ?? [];

    const decided = await run([id, '--decide'], env, '4556007\n4556008\n');
    expect(decided).toMatchObject({ status: 1, errors: '' });
    expect(decided.said).toMatch(/Word 1 of 2: Z[io]mbidose \(1 rows, column [^)]+\)/);
    expect(decided.said).toContain('Not a SNOMED CT concept identifier');
    expect(decided.said).toMatch(/1 created, 1 rejected, 1 waiting[^]*$/);
    expect(await run([id, '--undo'], env)).toEqual({ status: 0, errors: '', said: 'undone\n' });
    expect(await run([file, '--undo'], env)).toMatchObject({ status: 2, said: '' });
  }, 60_000);

  it('asks whether two patients with one identifier are the same person, and shows both', async () => {
    const env = {
      RADGATE_URL: world.gateway.url,
      RADGATE_KEY: clerk.caller.authorization.replace('Bearer ', ''),
    };
    const cpfs = ['333.444.558-20', '333.444.558-21', '333.444.558-22'];
    const first = await listOf('first.csv', ...cpfs.map((cpf) => [cpf, ''] as const));
    expect(await run([first, '--mapping', clerk.mapping], env)).toMatchObject({ status: 0 });
    const other = join(folder, 'other.csv');
    const cells = cpfs.map((cpf) => ['Rui Lima', cpf, 'Masculino', '07/08/1990', '', 'Brasil', '']);
    await writeFile(other, encodeList([[...COLUMNS], ...cells], CIRCULATING));
    const decided = await run([other, '--mapping', clerk.mapping, '--decide'], env, 'x\nR\nn\n');
    expect(decided).toMatchObject({ status: 1, errors: '' });
    expect(decided.said).toMatch(/Identity 1 of 3: 1 rows wait, different: birth_date, gender, given_name/);
    expect(decided.said).toMatch(
      / {2}list +Rui Lima, 1990-08-07, male, 333\d+, row \d\n {2}exists +Ana Souza, 1970-06-05, female, 333\d+, Patient\//,
    );
    expect(decided.said).toMatch(/x is not one of s, n and r[^]*decided: reject[^]*decided: new/);
    expect(decided.said).toMatch(/3 rows, 1 created, 1 rejected, 1 waiting[^]*$/);
  }, 60_000);

  it('shows the proposed mapping of a list with its own columns, saves the draft, and continues with it', async () => {
    const { key } = await world.machine([
      { rights: ['records:import', 'records:read'], scope: { kind: 'all' } },
    ]);
    const env = { RADGATE_URL: world.gateway.url, RADGATE_KEY: key };
    const file = join(folder, 'own.csv');
    const tag = randomBytes(4).toString('hex');
    const cells = [`C${tag};Muster;Ute;w;02/03/1980`, `D${tag};Muster;Uwe;m;03/04/1981`];
    await writeFile(file, ['Patienten-Nr.;Nachname;Vorname;Geschlecht;Geb.-Datum', ...cells].join('\n'));
    const asked = await run([file, '--commit'], env);
    expect(asked).toMatchObject({ status: 2, errors: '' });
    expect(asked.said).toMatch(/Proposed meanings:\n {2}Patienten-Nr\. {2}mrn \(\d+ %\): /);
    expect(asked.said).toMatch(/Question 1 \(column Geb\.-Datum\): [^\n]+\n {2}in the draft at columns\./);
    const [, id = ''] = /import ([0-9a-f-]{36})/.exec(asked.said) ?? [];
    expect(asked.said).toContain(`npm run import -- ${id} --draft FILE.json`);
    const draft = join(folder, 'draft.json');
    const saved = await run([id, '--draft', draft], env);
    expect(saved.said).toContain(`npm run import -- ${id} --mapping ${draft}`);
    const wrong = join(folder, 'wrong.json');
    await writeFile(wrong, JSON.stringify({ format: 1 }));
    const refused = await run([id, '--mapping', wrong], env);
    expect(refused).toMatchObject({
      status: 2,
      errors: expect.stringMatching(/^Not imported\. document\.name: /),
    });
    const done = await run([id, '--mapping', draft, '--commit'], env);
    expect(done).toMatchObject({ status: 0, errors: '' });
    expect(done.said).toMatch(/rehearsed: 2 rows[^]*writing 2 of 2 rows[^]*completed: 2 rows, 2 created/);
    expect(await run([file, '--mapping', draft], env)).toMatchObject({ status: 2, said: '' });
  }, 60_000);

  it('loads the example of docs/mapping-guide.md', async () => {
    const json = async (name: string) =>
      z.looseObject({}).parse(JSON.parse(await readFile(sampleFile(name), 'utf8')));
    await clerk.post('/api/mappings', await json('clinic.mapping.json')).expect(201);
    const env = {
      RADGATE_URL: world.gateway.url,
      RADGATE_KEY: clerk.caller.authorization.replace('Bearer ', ''),
    };
    const args = [sampleFile('clinic.csv'), '--mapping', 'clinic-lab'];
    const waiting = join(folder, 'waiting.csv');
    const done = await run([...args, '--commit', '--errors', waiting], env);
    expect(done).toMatchObject({ status: 1, errors: '' });
    expect(done.said).toMatch(/rehearsed: 4 rows[^]*completed_with_errors: 4 rows, [^\n]*1 waiting/);
    expect(await readFile(waiting, 'utf8')).toContain("housemaid's knee");
    const [, id = ''] = /import ([0-9a-f-]{36})/.exec(done.said) ?? [];
    expect(await run([id, '--decide'], env, 'i\n')).toMatchObject({ status: 0, errors: '' });
  }, 60_000);

  if (isLong)
    it('follows an import to its end though its sign-in is ended and the gateway is started anew', async () => {
      const signed = { RADGATE_USERNAME: 'admin', RADGATE_PASSWORD: world.adminPassword };
      const file = await listOf('long.csv', ['333.444.555-40', '']);
      fate = 'busy';
      const running = run([file, '--mapping', clerk.mapping], { RADGATE_URL: world.gateway.url, ...signed });
      const statuses = async () =>
        (await world.sql`select status from imports order by created_at desc limit 1`).map(
          (one) => one['status'],
        );
      await expect.poll(statuses, { timeout: 100_000 }).toEqual(['running']);
      await world.sql`update token_families set revoked_at = now()
        from accounts where accounts.id = account_id and accounts.name = 'admin'`;
      world.gateway.kill();
      await world.gateway.exited;
      world.gateway = await startTestGateway(world.gateway.env);
      fate = 'pass';
      expect(await running).toMatchObject({
        status: 0,
        errors: '',
        said: expect.stringContaining('1 created'),
      });
    }, 120_000);

  it('ends with 2 and a sentence when nothing was done', async () => {
    const env = { RADGATE_URL: world.gateway.url, RADGATE_KEY: 'rgk_unknown' };
    const key = clerk.caller.authorization.replace('Bearer ', '');
    const file = await listOf('none.csv', ['333.444.555-30', '']);
    const [header, cut] = [join(folder, 'broken.csv'), join(folder, 'cut.csv')];
    await writeFile(header, 'Nome,CPF\n');
    await writeFile(cut, 'Nome,Telefone\nAna,1\n');
    const mapping = ['--mapping', clerk.mapping];
    const wrong: readonly (readonly [args: string[], said: RegExp, errors: RegExp])[] = [
      [
        [header, ...mapping],
        /failed \(file-header-only\): The file has a header and no rows\. Export the list with its rows\./,
        /^$/,
      ],
      [[cut, ...mapping], /Columns of the mapping: cpf\. /, /^$/],
      [
        [cut, '--mapping', 'nobodys'],
        /^$/,
        /^Not imported\. the gateway answered 422: Unknown mapping 'nobodys'\. Available: .*brazil-hospital@1, .*\.\n$/,
      ],
      // In an earlier version, a directory as FILE crashed the process during the upload.
      [[folder], /^$/, /^Not imported\. \/.* is not a file\n$/],
      [[`${cut}.gz`], /^$/, /^Not imported\. \/.*cut\.csv\.gz is missing\n$/],
      [[], /^$/, /./],
      [
        [file, '--unheard-of'],
        /^$/,
        /^Not imported\. Unknown option '--unheard-of'\. Available: --mapping, --draft, --rehearse, --commit, --undo, --errors, --decide, --findings, --as-of, --encoding, --sheet, --force, --data, --help\.\n$/,
      ],
    ];
    for (const [args, said, errors] of sample(wrong, 3))
      expect(await run(args, { ...env, RADGATE_KEY: key }), args.join(' ')).toEqual({
        status: 2,
        said: expect.stringMatching(said),
        errors: expect.stringMatching(errors),
      });
    expect(await run([file], env)).toMatchObject({ status: 2, errors: expect.stringContaining('401') });
    if (!isLong) return;
    const { key: blind } = await world.machine([{ rights: ['records:import'], scope: { kind: 'all' } }]);
    const unseen = await run([file, ...mapping], { ...env, RADGATE_KEY: blind });
    expect(unseen).toMatchObject({
      status: 2,
      said: expect.stringMatching(/^import [0-9a-f-]{36}\n$/),
      errors: expect.stringMatching(
        /^The import continues, but its progress cannot be read\. .* answered 403/,
      ),
    });
    const help = await run(['--help']);
    expect(help).toMatchObject({ status: 0, errors: '' });
    expect(help.said).toContain('--rehearse');
  }, 60_000);
});

describe('the sample list of npm start', () => {
  it('is loaded once, in a line, and not again by a later start', async () => {
    const said: string[] = [];
    const options = {
      data: folder,
      gateway: world.gateway.url,
      admin: { username: 'admin', password: world.adminPassword },
      log: (line: string) => said.push(line),
    };
    await loadSampleList(options);
    await loadSampleList(options);
    expect(said).toEqual([
      expect.stringMatching(/^sample list: \d+ patients of 50 rows in HAPI .* completed/),
    ]);
    const list = await clerk.get('/api/imports?limit=1').expect(200);
    expect(list.body).toMatchObject({ items: [{ rows_total: 50, rejected: 0, waiting: 0 }] });
    await loadSampleList({ ...options, gateway: 'http://127.0.0.1:1', data: join(folder, 'elsewhere') });
    expect(said[1]).toContain('was not loaded');
  }, 60_000);
});
