import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { catalogued } from '../dicomweb/stow.answers.ts';
import type { World } from '../support/world.ts';

let world: World;

/** The scenarios of an archive with another identifier. The sweep must be stopped. */
export function registerArchiveIdentity(shared: () => World): void {
  describe('the identity of the archive', () => {
    beforeAll(async () => {
      world = shared();
    });

    it('an archive whose identifier changes is read on from the same position of its change feed', async () => {
      const studyUid = freshUid();
      const file = new Uint8Array(makeInstance({ studyUid }));
      await world.sql.begin(async (tx) => {
        await tx`lock table archive_cursor in access exclusive mode`;
        expect((await world.archive('/instances', { method: 'POST', body: file })).status).toBe(200);
        // Orthanc computes its identifier from the network interfaces of its host, which the test cannot change.
        await tx`update archive_cursor set archive = 'identifier before the change'`;
      });
      // The sweep is stopped, so only the change feed can bring the instance.
      await expect.poll(() => catalogued(world, studyUid)).toMatchObject({ instances: 1, counted: 1 });
      // The position is saved after the instances of its page.
      const archive = async () => (await world.sql`select archive from archive_cursor`)[0]?.['archive'];
      await expect.poll(archive).toMatch(/^[0-9a-f]{8}-/);
    });
  });
}
