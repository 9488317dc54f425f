import { beforeAll, describe, expect, it } from 'vitest';
import { TransferSyntax } from '../../infra/demo/dicom.elements.ts';
import type { World } from '../support/world.ts';
import { partsOf } from './wado.reading.ts';
import { type Ask, at, frameOf, sop, type Retrieval } from './wado.world.ts';
let world: World;
let ask: Ask;

/** Registers the tests of this file with the given gateway. */
export function registerWadoFrames(given: () => Retrieval): void {
  describe('wado frames', () => {
    beforeAll(async () => {
      ({ world, ask } = given());
    });

    describe('frames', () => {
      it.each([
        undefined,
        '*/*',
        'multipart/related; type=application/octet-stream; transfer-syntax=*',
        'multipart/related; type="application/octet-stream"; transfer-syntax=*',
        'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1',
        'multipart/related; type="application/octet-stream"',
        'multipart/related; type="video/mp4", multipart/related; type="application/octet-stream"; q=0.1',
      ])('come in parts with their length for Accept: %s', async (accept) => {
        const { status, type, headers, body } = await ask(`${at.one}/frames/1`, accept);
        expect(status).toBe(200);
        expect(type).toMatch(/^multipart\/related; type="application\/octet-stream"; boundary=/);
        expect(headers.get('content-length')).toBe(String(body.length));
        const [part] = partsOf(type, body);
        expect(part?.headers['content-type']).toBe(
          `application/octet-stream; transfer-syntax=${TransferSyntax.explicitLittle}`,
        );
        expect(part?.body.equals(frameOf(sop.one, 1, 1))).toBe(true);
      });

      it('come as one body when that is asked', async () => {
        const { type, headers, body } = await ask(`${at.multi}/frames/2`, 'application/octet-stream');
        expect(type).toMatch(/^application\/octet-stream/);
        expect(headers.get('content-length')).toBe('128');
        expect(body.equals(frameOf(sop.multi, 2, 3))).toBe(true);
        expect((await ask(`${at.multi}/frames/1,2`, 'application/octet-stream')).status).toBe(406);
      });

      it.each([[[1, 2, 3]], [[3, 1]], [[2, 2]]])('come in the order asked: %j', async (numbers) => {
        const { status, type, body } = await ask(`${at.multi}/frames/${numbers.join(',')}`);
        expect(status).toBe(200);
        const parts = partsOf(type, body);
        expect(parts.map((part) => part.body)).toEqual(
          numbers.map((number) => frameOf(sop.multi, number, 3)),
        );
        expect(parts.map((part) => part.headers['content-location'])).toEqual(
          numbers.map((number) => `${world.gateway.url}/dicom-web${at.multi}/frames/${number}`),
        );
      });

      it('come by the hundred', async () => {
        const numbers = Array.from({ length: 300 }, (_, index) => (index % 3) + 1);
        const { status, type, body } = await ask(`${at.multi}/frames/${numbers.join(',')}`);
        expect(status).toBe(200);
        expect(partsOf(type, body)).toHaveLength(300);
      });

      it('that are compressed come as they are when the client takes that, 406 for a lossy compression', async () => {
        const octets = await ask(
          `${at.rle}/frames/1`,
          'multipart/related; type=application/octet-stream; transfer-syntax=*',
        );
        expect(octets.status).toBe(200);
        const [part] = partsOf(octets.type, octets.body);
        expect(part?.headers['content-type']).toBe(
          `application/octet-stream; transfer-syntax=${TransferSyntax.rle}`,
        );
        expect(part?.body.readUInt32LE(0)).toBe(2);
        const image = await ask(`${at.rle}/frames/1`, 'multipart/related; type="image/dicom-rle"');
        expect(partsOf(image.type, image.body)[0]?.body.equals(part?.body ?? Buffer.alloc(0))).toBe(true);
        const any = await ask(`${at.rle}/frames/1`, 'multipart/related; type="*/*"');
        expect(partsOf(any.type, any.body)[0]?.headers['content-type']).toBe(
          `image/dicom-rle; transfer-syntax=${TransferSyntax.rle}`,
        );
        const lossy = 'multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.50';
        expect((await ask(`${at.rle}/frames/1`, lossy)).status).toBe(406);
      });

      it.each(['0', '4', '1,4', '999999999', '99999999999', '1,99999999999999999999999999999999'])(
        'outside 1 to 3 are 404: %s',
        async (list) => {
          expect((await ask(`${at.multi}/frames/${list}`)).status).toBe(404);
        },
      );

      it.each(['-1', 'one', '1,', ',1', '1;2', '1.5', '1%2C%2C2', '1-3'])(
        'are 400 for the list %s',
        async (list) => {
          expect((await ask(`${at.multi}/frames/${list}`)).status).toBe(400);
        },
      );

      it('of an object without pixels are 404', async () => {
        expect((await ask(`${at.report}/frames/1`)).status).toBe(404);
      });
    });
  });
}
