import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TransferSyntax } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { startOwnWorld, type OwnWorld } from '../support/world.ts';
import { bigInstance, openStore } from './stow.answers.ts';

const MB = 1024 * 1024;

/** A file of 200 MB that is deflated to 200 KB. */
const bomb = () =>
  makeInstance({
    transferSyntax: TransferSyntax.deflated,
    extra: [element('7FE00010', 'OW', Buffer.alloc(200 * MB))],
  });

let world: OwnWorld;
beforeAll(async () => {
  world = await startOwnWorld();
});
afterAll(() => world?.stop());

it('an account with any number of stalled large uploads does not block others', async () => {
  const greedy = await world.machine([{ rights: ['studies:store'], scope: { kind: 'own-uploads' } }]);
  const other = await world.machine();
  const begun = Array.from({ length: 20 }, () => openStore(world, greedy));
  for (const store of begun) {
    await store.write(store.part);
    await store.write(bigInstance(4 * MB).subarray(0, 2 * MB));
  }
  // The first uploads hold their slots.
  await expect
    .poll(() => world.sql`select count(*)::int as count from pending`, { timeout: 10_000 })
    .toEqual([{ count: begun.length }]);
  await world.store(other, [bigInstance(2 * MB)]).expect(200);
  for (const store of begun) store.request.destroy();
  await world.store(greedy, [bigInstance(2 * MB)]).expect(200);
});

it('a deflated instance counts by its inflated size, and large ones go to the archive one at a time', async () => {
  const sender = await world.machine();
  await Promise.all([bomb(), bomb(), bomb()].map((file) => world.store(sender, [file]).expect(200)));
  const status = await readFile(`/proc/${world.orthanc.pid}/status`, 'utf8');
  const [, peak] = /VmHWM:\s+(\d+) kB/.exec(status) ?? [];
  expect(Number(peak) / 1024).toBeLessThan(450);
});
