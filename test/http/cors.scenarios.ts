import { beforeAll, describe, expect, it } from 'vitest';
import type { World } from '../support/world.ts';

/** The origin that `open` permits. */
export const VIEWER = 'https://viewer.example.org';
/** A gateway that permits an origin, and one that permits none. */
export type Origins = { open: World; closed: World };

let world: World;
let closed: World;

const preflight = (of: World, origin: string) =>
  of.http.options('/dicom-web/studies').set({
    origin,
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'authorization',
  });

/** Registers the tests of this file with the given gateways. */
export function registerCors(given: () => Origins): void {
  describe('cors', () => {
    beforeAll(() => {
      ({ open: world, closed } = given());
    });

    describe('pages of other origins', () => {
      it('may ask first without an account, when the operator named their origin', async () => {
        const answer = await preflight(world, VIEWER).expect(204);
        expect(answer.headers).toMatchObject({
          'access-control-allow-origin': VIEWER,
          'access-control-allow-headers': 'authorization',
        });
        expect(answer.headers['access-control-allow-methods']).toContain('GET');
      });

      it('may read answers to a bearer token, and the total', async () => {
        const { authorization } = await world.person({ rights: ['studies:read'], scope: { kind: 'all' } });
        const answer = await world.http
          .get('/dicom-web/studies')
          .set({ authorization, origin: VIEWER })
          .expect(200);
        expect(answer.headers['access-control-allow-origin']).toBe(VIEWER);
        expect(answer.headers['access-control-expose-headers']).toContain('x-total-count');
      });

      it('are never allowed to send cookies', async () => {
        const answer = await preflight(world, VIEWER);
        expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
      });

      it('get nothing when they are others, or when no origin was named', async () => {
        const stranger = await preflight(world, 'https://evil.example.org');
        expect(stranger.headers['access-control-allow-origin']).toBeUndefined();
        const nobody = await preflight(closed, VIEWER);
        expect(nobody.headers['access-control-allow-origin']).toBeUndefined();
      });
    });
  });
}
