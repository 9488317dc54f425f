import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RESOURCES } from '../../src/dicomweb/capabilities.js';
import type { World } from '../support/world.ts';
import { type Origins, VIEWER } from '../http/cors.scenarios.ts';
import { routesOf } from './dicomweb.routes.ts';

const Described = z.object({
  base: z.string(),
  resources: z.array(z.object({ path: z.string(), methods: z.array(z.object({ name: z.string() })) })),
});

let world: World;
let open: World;

/** Registers the tests of this file with the given gateways. */
export function registerCapabilities(given: () => Origins): void {
  describe('capabilities', () => {
    beforeAll(() => {
      ({ closed: world, open } = given());
    });

    describe('the capabilities', () => {
      it('name every route of the service and no other', () => {
        const described = RESOURCES.flatMap(({ path, methods }) =>
          methods.map(({ name }) => `${name} /dicom-web${path}`),
        );
        expect(described.toSorted()).toEqual(routesOf('dicom-web'));
      });

      it.each(['/dicom-web', '/dicom-web/'])('are told to any account at %s, as WADL', async (path) => {
        const account = await world.person();
        const { authorization } = account;
        const answer = await fetch(world.gateway.url + path, {
          method: 'OPTIONS',
          headers: { authorization },
        });
        expect([answer.status, answer.headers.get('content-type')]).toEqual([
          200,
          'application/vnd.sun.wadl+xml',
        ]);
        const text = await answer.text();
        expect(XMLValidator.validate(text)).toBe(true);
        const wadl = new XMLParser({ ignoreAttributes: false }).parse(text);
        expect(wadl).toMatchObject({
          application: { resources: { '@_base': `${world.gateway.url}/dicom-web` } },
        });
        expect(text.match(/<resource /g)).toHaveLength(RESOURCES.length);
        expect(text).toContain('<param name="PatientName" style="query"/>');
      });

      it('are told as JSON when that is asked for, and are 406 otherwise', async () => {
        const { authorization } = await world.person();
        const ask = (accept: string) => world.http.options('/dicom-web/').set({ authorization, accept });
        const answer = await ask('application/json').expect(200);
        const { base, resources } = Described.parse(answer.body);
        expect(base).toBe(`${world.gateway.url}/dicom-web`);
        expect(resources).toHaveLength(RESOURCES.length);
        await ask('text/html').expect(406);
      });

      it('need an account', async () => {
        await world.http.options('/dicom-web/').expect(401);
        await open.http.options('/dicom-web/').expect(401);
      });

      it('are told to pages of a named origin, and a preflight is still answered without an account', async () => {
        const { authorization } = await open.person();
        const answer = await open.http
          .options('/dicom-web/')
          .set({ authorization, origin: VIEWER })
          .expect(200);
        expect(answer.headers['access-control-allow-origin']).toBe(VIEWER);
        const preflight = { origin: VIEWER, 'access-control-request-method': 'OPTIONS' };
        const first = await open.http.options('/dicom-web/').set(preflight).expect(204);
        expect(first.headers['access-control-allow-methods']).toContain('OPTIONS');
      });
    });
  });
}
