import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { World } from '../support/world.ts';
import { archived, told } from './stow.answers.ts';

let world: World;

/**
 * Replaces the transfer syntax UID of the file by another UID of the same length, because the writer of the test files does not accept that
 * UID.
 */
function withSyntax(file: Buffer, syntax: string): Buffer {
  const usual = '1.2.840.10008.1.2.1';
  const at = file.indexOf(usual);
  if (at === -1 || syntax.length !== usual.length) throw new Error('this does not fit');
  const changed = Buffer.from(file);
  changed.write(syntax, at, 'latin1');
  return changed;
}

/** The scenarios of transfer syntaxes that could inject headers. The archive must be empty. */
export function registerHostileHeader(shared: () => World): void {
  describe('hostile transfer syntaxes', () => {
    beforeAll(async () => {
      world = shared();
    });

    it('a transfer syntax that could inject headers into answers is refused', async () => {
      const [stored, brought] = [freshUid(), freshUid()];
      const evil = '1.2.8\r\nX-Evil: abcd';
      const sender = await world.machine();
      const answer = await world
        .store(sender, [withSyntax(makeInstance({ studyUid: stored }), evil)])
        .expect(409);
      expect([...Object.values(told(answer).failed), ...told(answer).unnamed]).toEqual([0xc122]);
      expect(await archived(world)).toBe(0);

      const body = new Uint8Array(withSyntax(makeInstance({ studyUid: brought }), evil));
      expect((await world.archive('/instances', { method: 'POST', body })).status).toBe(200);
      await expect.poll(() => world.gateway.logged()).toContain('not shown');
      await world.get(await world.radiologist(brought), `/studies/${brought}`).expect(404);
    });
  });
}
