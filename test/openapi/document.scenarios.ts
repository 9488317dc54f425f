import { Validator } from '@seriousme/openapi-schema-validator';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { table } from '../authz/matrix.table.ts';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { Caller, World } from '../support/world.ts';
import { Document } from './document.checking.ts';

let world: World;
let document: Document;

const operation = (path: string, method: string) => document.paths[path]?.[method];

/** Routes that may return an image describe the parameters of an image. */
const isPictured = (path: string) => {
  const said = operation(path, 'get')?.responses['200'] ?? {};
  return '$ref' in said ? false : 'image/png' in (said.content ?? {});
};
const queriesOf = (path: string) =>
  operation(path, 'get')
    ?.parameters.filter((one) => one.in === 'query')
    .map(({ name }) => name) ?? [];

/** The members below a schema that have no description or no example, by their paths. */
function untold(node: unknown, path: string): string[] {
  if (Array.isArray(node)) return node.flatMap((item: unknown) => untold(item, path));
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([name, value]: [string, unknown]) => {
    if (['default', 'examples', 'enum', 'const'].includes(name)) return [];
    if (name !== 'properties') return untold(value, path);
    return Object.entries(z.record(z.string(), z.looseObject({})).parse(value)).flatMap(
      ([member, schema]) => {
        const here = `${path}.${member}`;
        const isTold = typeof schema['description'] === 'string' && Array.isArray(schema['examples']);
        const inner = untold(schema, here);
        return isTold ? inner : inner.concat(here);
      },
    );
  });
}

/** The types of values that a description alone explains. */
const PLAIN = new Set(['boolean', 'object', 'array', 'null', undefined]);

/** The members of all schemas that have no description, or that are texts or numbers without an example. */
function undescribed(node: unknown, path: string): string[] {
  if (Array.isArray(node)) return node.flatMap((item: unknown) => undescribed(item, path));
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([name, value]: [string, unknown]) => {
    if (['default', 'examples', 'enum', 'const'].includes(name)) return [];
    if (name !== 'properties') return undescribed(value, path === '' || /^[/]/.test(name) ? name : path);
    return Object.entries(z.record(z.string(), z.looseObject({})).parse(value)).flatMap(
      ([member, schema]) => {
        const { description, type, examples } = schema;
        const isValue = [type].flat().some((one) => !PLAIN.has(z.string().optional().parse(one)));
        const isTold = typeof description === 'string' && description !== '';
        const isShown = !isValue || 'enum' in schema || 'const' in schema || Array.isArray(examples);
        const here = `${path}.${member}`;
        const inner = undescribed(schema, here);
        return isTold && isShown ? inner : inner.concat(here);
      },
    );
  });
}

/** Registers the tests of this file with the given gateway. */
export function registerDocument(given: () => World): void {
  describe('document', () => {
    beforeAll(async () => {
      world = given();
      document = Document.parse((await world.http.get('/api/openapi.json').expect(200)).body);
    });

    describe('the schemas of mapping documents and proposals', () => {
      it.each([
        ['POST /api/mappings', () => operation('/api/mappings', 'post')?.requestBody],
        ['POST /api/mappings/draft', () => operation('/api/mappings/draft', 'post')?.responses['200']],
        [
          'GET /api/imports/{id}/proposal',
          () => operation('/api/imports/{id}/proposal', 'get')?.responses['200'],
        ],
        ['POST /api/imports/{id}/mapping', () => operation('/api/imports/{id}/mapping', 'post')?.requestBody],
      ])('of %s describe each member, with an example', (route, said) => {
        expect(JSON.stringify(said())).toContain('"birth_date"');
        expect(untold(said(), route)).toEqual([]);
        expect(JSON.stringify(said())).not.toContain('memberTexts');
      });
    });

    describe('GET /api/openapi.json', () => {
      it('is a valid document of OpenAPI 3.1', async () => {
        const { valid, errors } = await new Validator().validate(document);
        expect([valid, errors]).toEqual([true, undefined]);
      });

      it('has every route of the running gateway, each with words', () => {
        const told = Object.entries(document.paths).flatMap(([path, methods]) =>
          Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
        );
        // The matrix test in test/authz compares its table with the running gateway.
        const known = table.map(({ route }) => route.replaceAll(/:(\w+)/g, '{$1}').replaceAll('*', '{rest}'));
        expect(told.toSorted()).toEqual(known.toSorted());
        const silent = Object.entries(document.paths).flatMap(([path, methods]) =>
          Object.values(methods)
            .filter(({ description }) => description.startsWith(' '))
            .map(() => path),
        );
        expect(silent).toEqual([]);
      });

      it('describes each parameter and each member, of the values with an example', () => {
        const untoldParameters = Object.entries(document.paths).flatMap(([path, methods]) =>
          Object.entries(methods).flatMap(([method, { parameters }]) =>
            parameters
              .filter(({ description }) => typeof description !== 'string' || description === '')
              .map(({ name }) => `${method} ${path} ${name}`),
          ),
        );
        expect(untoldParameters).toEqual([]);
        expect(undescribed(document, '')).toEqual([]);
      });

      it('describes bodies and queries as the code parses them', () => {
        const grant = JSON.stringify(operation('/api/groups/{group}/grants', 'post')?.requestBody);
        expect(grant).toContain('"study_uid"');
        expect(grant).toContain('"studies:annotate"');
        const names = operation('/api/users', 'get')?.parameters.map(({ name }) => name);
        expect(names).toEqual(['limit', 'offset', 'q', 'sort', 'username', 'group', 'disabled', 'external']);
        expect(operation('/dicom-web/studies', 'post')?.requestBody?.content).toHaveProperty(
          'application/dicom',
        );
        const bodiless = table.filter(
          ({ route, ok }) => /^(POST|PUT|PATCH) /.test(route) && ok === 422 && !route.includes('oidc'),
        );
        for (const { route } of bodiless) {
          const [method = '', path = ''] = route.toLowerCase().split(' ');
          expect([route, operation(path.replaceAll(/:(\w+)/g, '{$1}'), method)?.requestBody]).toEqual([
            route,
            expect.anything(),
          ]);
        }
      });
    });

    describe('the query parameters of DICOMweb in the document', () => {
      const study = freshUid();
      const series = freshUid();
      const instance = freshUid();
      let reader: Caller;
      beforeAll(async () => {
        const image = makeInstance({ studyUid: study, seriesUid: series, sopUid: instance });
        await world.store(await world.machine(), [image]).expect(200);
        reader = await world.radiologist(study);
      });
      const uri = `/wado?requestType=WADO&studyUID=${study}&seriesUID=${series}&objectUID=${instance}`;
      const whereItIs = (path: string) =>
        path.replace('{study}', study).replace('{series}', series).replace('{instance}', instance);

      it.each([
        ['/dicom-web/studies', ['keys', 'includefield', 'fuzzymatching']],
        ['/dicom-web/studies/{study}/series', ['keys', 'includefield', 'fuzzymatching']],
        ['/dicom-web/studies/{study}/series/{series}/instances/{instance}', []],
        ['/dicom-web/studies/{study}/series/{series}/instances/{instance}/metadata', []],
        ['/dicom-web/studies/{study}/series/{series}/instances/{instance}/rendered', []],
        ['/dicom-web/studies/{study}/thumbnail', []],
      ])('are parsed: invalid values are refused at %s', async (path, others) => {
        const said = queriesOf(path);
        expect(said.includes('viewport')).toBe(isPictured(path));
        expect(said).toContain('accept');
        expect(said).toEqual(expect.arrayContaining(others));
        for (const name of said.filter((one) => !others.includes(one)))
          expect([name, (await ask(`${whereItIs(path)}?${name}=-!`)).status]).toEqual([name, 400]);
      });

      it('is understood: nonsense is refused at /wado', async () => {
        await ask(uri).expect(200);
        for (const name of queriesOf('/wado')) {
          const query = new URLSearchParams(uri.slice('/wado?'.length));
          query.set(name, '-!');
          expect([name, (await ask(`/wado?${query.toString()}`)).status]).toEqual([name, 400]);
        }
      });

      const ask = (path: string) => world.http.get(path).set('authorization', reader.authorization);
    });

    describe('GET /api/docs', () => {
      it('is a page without scripts and other hosts that names every route', async () => {
        const { text, headers } = await world.http.get('/api/docs').expect(200);
        expect(headers['content-type']).toMatch(/^text\/html/);
        expect(headers['content-security-policy']).toContain("default-src 'none'");
        expect(text).not.toMatch(/<script|https?:\/\//);
        for (const path of Object.keys(document.paths)) expect(text).toContain(`<code>${path}</code>`);
      });
    });
  });
}
