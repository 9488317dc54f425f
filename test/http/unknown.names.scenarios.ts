import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Caller, World } from '../support/world.ts';

const Parameter = z.looseObject({
  name: z.string(),
  in: z.string(),
  schema: z.looseObject({ enum: z.array(z.string()).optional() }).optional(),
});

const Described = z.object({
  paths: z.record(
    z.string(),
    z.record(z.string(), z.looseObject({ parameters: z.array(Parameter).default([]) })),
  ),
});

const Refusal = z.object({ status: z.number(), detail: z.string() });

let world: World;

let admin: Caller;

let routes: { path: string; query: z.infer<typeof Parameter>[] }[];

const ANY_ID = '00000000-0000-4000-8000-000000000000';

/** The refusal of a GET with one query parameter. */
async function asked(path: string, name: string) {
  const { status, body } = await world.http
    .get(path.replaceAll(/\{\w+\}/g, ANY_ID))
    .query({ [name]: 'nobody' })
    .set('authorization', admin.authorization);
  return { path, name, status, detail: Refusal.safeParse(body).data?.detail ?? '' };
}

const as = (request: ReturnType<World['http']['post']>) => request.set('authorization', admin.authorization);

/** The scenarios of unknown parameters, fields and values. No request reaches the FHIR server. */
export function registerUnknownNames(shared: () => World): void {
  describe('unknown names', () => {
    beforeAll(async () => {
      // No request reaches the FHIR server, because the gateway refuses each upload earlier.
      world = shared();
      admin = await world.admin();
      const { paths } = Described.parse((await world.http.get('/api/openapi.json').expect(200)).body);
      routes = Object.entries(paths).flatMap(([path, { get }]) => {
        const query = get?.parameters.filter((one) => one.in === 'query') ?? [];
        return path.startsWith('/api/') && query.length > 0 ? [{ path, query }] : [];
      });
    });

    describe('the refusal of an unknown name lists those that exist', () => {
      it('for the query parameters of every list', async () => {
        expect(routes.length).toBeGreaterThan(10);
        for (const { path, query } of routes) {
          const { detail, ...rest } = await asked(path, 'nobody');
          expect({ ...rest, detail }).toEqual({
            path,
            name: 'nobody',
            status: 400,
            detail: `Unknown query parameter 'nobody'. Available: ${query.map(({ name }) => name).join(', ')}.`,
          });
        }
      });

      it('for the values of every query parameter that takes one of several', async () => {
        const choices = routes.flatMap(({ path, query }) =>
          query.flatMap(({ name, schema }) => (schema?.enum ? [{ path, name, values: schema.enum }] : [])),
        );
        expect(choices.length).toBeGreaterThan(10);
        for (const { path, name, values } of choices)
          expect(await asked(path, name)).toEqual({
            path,
            name,
            status: 400,
            detail: `Unknown value of the query parameter ${name}. Available: ${values.join(', ')}.`,
          });
      });

      it('for the order of every list', async () => {
        const sorted = routes.filter(({ query }) => query.some(({ name }) => name === 'sort'));
        expect(sorted.length).toBeGreaterThan(8);
        for (const { path } of sorted) {
          const { status, detail } = await asked(path, 'sort');
          // The response for an unknown object contains no details.
          if (status === 404) expect(path).toContain('{');
          else
            expect([path, status, detail]).toEqual([
              path,
              400,
              expect.stringMatching(/sort\. Available: [\w, -]+\.$/),
            ]);
        }
      });

      it.each<[what: string, path: string, query: Record<string, string>, body: object, detail: RegExp]>([
        [
          'rights',
          '/api/groups/{}/grants',
          {},
          { rights: ['nobody'], scope: { kind: 'all' } },
          /studies:read.*system:operate/,
        ],
        [
          'scopes',
          '/api/groups/{}/grants',
          {},
          { rights: ['studies:read'], scope: { kind: 'nobody' } },
          /all.*own-patient.*modality/,
        ],
        [
          'fields',
          '/api/groups',
          {},
          { name: 'x', nobody: 1 },
          /^Unknown field\. Available: name, description, requires_second_factor\.$/,
        ],
        [
          'meanings of a word',
          `/api/terms/${ANY_ID}/decide`,
          {},
          { kind: 'nobody' },
          /condition.*observation/,
        ],
        [
          'mappings',
          '/api/imports',
          { mapping: 'english' },
          {},
          /^Unknown mapping 'english'\. Available: brazil-hospital@1, .+\.$/,
        ],
        [
          'versions of a mapping',
          '/api/imports',
          { mapping: 'brazil-hospital@99' },
          {},
          /'brazil-hospital@99'\. Available: brazil-hospital@1/,
        ],
        [
          'encodings',
          '/api/imports',
          { encoding: 'klingon' },
          {},
          /^Unknown encoding\. Available: utf-8, .*cp850\.$/,
        ],
        ['modes', '/api/imports', { mode: 'nobody' }, {}, /mode\. Available: commit, rehearse\.$/],
        [
          'parameters of an upload',
          '/api/imports',
          { nobody: '1' },
          {},
          /Available: mapping, mode, as_of, encoding, corrections, facility, sheet, force\.$/,
        ],
      ])('for %s', async (_what, path, query, body, detail) => {
        const made = z.object({ id: z.string() }).parse(
          (
            await as(world.http.post('/api/groups'))
              .send({ name: `of ${_what}` })
              .expect(201)
          ).body,
        );
        const sending = as(world.http.post(path.replace('{}', made.id)).query(query));
        const answer = await (path === '/api/imports'
          ? sending.attach('file', Buffer.from('Nome,CPF\nAna,1\n'), 'list.csv')
          : sending.send(body));
        expect([400, 422]).toContain(answer.status);
        expect(Refusal.parse(answer.body).detail).toMatch(detail);
      });
    });
  });
}
