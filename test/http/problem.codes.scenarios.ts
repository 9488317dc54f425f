import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { PROBLEM_STATUS, type ProblemCode } from '../../src/problems/problem.codes.js';
import type { Caller, World } from '../support/world.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFile(join(root, path), 'utf8');
const CODES_FILE = 'src/problems/problem.codes.ts';

/** Registers the tests of this file with the given gateway. */
export function registerProblemCodes(given: () => World): void {
  describe('problem codes', () => {
    it('docs/problems.md explains exactly the codes there are, with their status', async () => {
      const rows = (await read('docs/problems.md')).split('\n').flatMap((line) => {
        const [, code = '', status, meaning, advice] =
          /^\| `([a-z_-]+)`\s*\| (\d+)\s*\| (.+?)\s*\| (.+?)\s*\|$/.exec(line) ?? [];
        return code === '' ? [] : [{ code, status: Number(status), meaning, advice }];
      });
      expect(rows.map(({ code }) => code)).toHaveLength(new Set(rows.map(({ code }) => code)).size);
      expect(Object.fromEntries(rows.map(({ code, status }) => [code, status]))).toEqual(PROBLEM_STATUS);
      for (const { code, meaning, advice } of rows) {
        expect(meaning, code).toMatch(/\.$/);
        expect(advice, code).toMatch(/\.$/);
      }
    });

    it('no code is without a use', async () => {
      const files = globSync('src/**/*.ts', { cwd: root }).filter((file) => file !== CODES_FILE);
      const texts = await Promise.all(files.map(read));
      const used = `${texts.join('\n')}\n${(await read('infra/nginx/radgate.conf.template')).replaceAll('"', "'")}`;
      expect(Object.keys(PROBLEM_STATUS).filter((code) => !used.includes(`'${code}'`))).toEqual([]);
    });

    it('nginx answers with the same codes and statuses', async () => {
      const template = await read('infra/nginx/radgate.conf.template');
      const problems = [...template.matchAll(/"title":.*/g)].map(([line]) => ({
        status: Number(/"status":(\d+)/.exec(line)?.[1]),
        code: /"code":"([a-z_-]+)"/.exec(line)?.[1],
        isDefault: line.includes('"status":$status'),
      }));
      expect(problems.length).toBeGreaterThan(10);
      const table: Readonly<Record<string, number>> = PROBLEM_STATUS;
      for (const { status, code = '', isDefault } of problems)
        if (!isDefault) expect([code, table[code]]).toEqual([code, status]);
    });

    describe('an answer carries its code', () => {
      let world: World;
      const callers: Partial<Record<'admin' | 'reader', Caller>> = {};
      beforeAll(async () => {
        world = given();
        callers.admin = await world.admin();
        callers.reader = await world.person({ rights: ['studies:read'], scope: { kind: 'all' } });
        const named = { name: 'taken' };
        await world.http
          .post('/api/groups')
          .set('authorization', callers.admin.authorization)
          .send(named)
          .expect(201);
      });

      const dicom = { 'content-type': 'application/dicom' };
      it.each<
        [ProblemCode, 'admin' | 'reader' | 'nobody', 'get' | 'post', string, Record<string, string>, string?]
      >([
        ['not-authenticated', 'nobody', 'get', '/dicom-web/studies', {}],
        ['right-missing', 'reader', 'get', '/api/users', {}],
        ['not-found', 'reader', 'get', '/dicom-web/studies/1.2.3/metadata', {}],
        ['not-found', 'reader', 'get', '/nowhere', {}],
        ['malformed-request', 'nobody', 'get', '/dicom-web/%zz', {}],
        [
          'malformed-request',
          'nobody',
          'post',
          '/api/auth/login',
          { 'content-type': 'application/json' },
          '{',
        ],
        ['invalid-parameter', 'reader', 'get', '/dicom-web/studies?limit=x', {}],
        ['invalid-parameter', 'reader', 'get', '/dicom-web/studies/x/metadata', {}],
        ['duplicate-parameter', 'reader', 'get', '/dicom-web/studies?PatientID=a&PatientID=b', {}],
        ['unknown-parameter', 'admin', 'get', '/api/users?nothing=1', {}],
        ['invalid-accept', 'reader', 'get', '/dicom-web/studies', { accept: 'x' }],
        ['not-acceptable', 'reader', 'get', '/dicom-web/studies', { accept: 'text/plain' }],
        [
          'unsupported-media-type',
          'admin',
          'post',
          '/dicom-web/studies',
          { 'content-type': 'text/csv' },
          'x',
        ],
        [
          'unsupported-content-encoding',
          'admin',
          'post',
          '/dicom-web/studies',
          { ...dicom, 'content-encoding': 'gzip' },
          'x',
        ],
        [
          'invalid-field',
          'admin',
          'post',
          '/api/groups',
          { 'content-type': 'application/json' },
          '{"name":1}',
        ],
        [
          'unknown-field',
          'admin',
          'post',
          '/api/groups',
          { 'content-type': 'application/json' },
          '{"name":"a","nothing":1}',
        ],
        [
          'name-taken',
          'admin',
          'post',
          '/api/groups',
          { 'content-type': 'application/json' },
          '{"name":"taken"}',
        ],
      ])('%s to %s: %s %s', async (code, who, method, path, headers, body) => {
        const authorization = who === 'nobody' ? undefined : callers[who]?.authorization;
        const answer = await fetch(`${world.gateway.url}${path}`, {
          method: method.toUpperCase(),
          headers: { ...headers, ...(authorization !== undefined && { authorization }) },
          ...(body !== undefined && { body }),
        });
        const status = PROBLEM_STATUS[code];
        expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
        expect([answer.status, await answer.json()]).toEqual([
          status,
          expect.objectContaining({ type: 'about:blank', status, code, title: expect.any(String) }),
        ]);
      });
    });
  });
}
