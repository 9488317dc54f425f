import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { table } from '../authz/matrix.table.ts';
import { startWorld, type World } from '../support/world.ts';
import { Document } from './document.checking.ts';

let world: World;
let document: Document;
beforeAll(async () => {
  world = await startWorld();
  document = Document.parse((await world.http.get('/api/openapi.json').expect(200)).body);
});
afterAll(() => world?.stop());

const operation = (path: string, method: string) => document.paths[path]?.[method];

describe('GET /api/openapi.json', () => {
  it('is a valid document of OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate(document);
    expect([valid, errors]).toEqual([true, undefined]);
  });

  it('has every route of the running gateway, each with words', () => {
    const told = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    // The table of test/authz is held against the running gateway.
    const known = table.map(({ route }) => route.replaceAll(/:(\w+)/g, '{$1}').replaceAll('*', '{rest}'));
    expect(told.toSorted()).toEqual(known.toSorted());
    const silent = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.values(methods)
        .filter(({ description }) => description.startsWith(' '))
        .map(() => path),
    );
    expect(silent).toEqual([]);
  });

  it('tells bodies and queries as the code parses them', () => {
    const grant = JSON.stringify(operation('/api/groups/{group}/grants', 'post')?.requestBody);
    expect(grant).toContain('"study_uid"');
    expect(grant).toContain('"studies:annotate"');
    const names = operation('/api/users', 'get')?.parameters.map(({ name }) => name);
    expect(names).toEqual(['limit', 'offset', 'q', 'sort', 'username', 'group', 'disabled', 'external']);
    expect(operation('/dicom-web/studies', 'post')?.requestBody?.content).toHaveProperty('application/dicom');
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

describe('GET /api/docs', () => {
  it('is a page without scripts and other hosts that names every route', async () => {
    const { text, headers } = await world.http.get('/api/docs').expect(200);
    expect(headers['content-type']).toMatch(/^text\/html/);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(text).not.toMatch(/<script|https?:\/\//);
    for (const path of Object.keys(document.paths)) expect(text).toContain(`<code>${path}</code>`);
  });
});
