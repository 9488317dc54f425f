import { afterAll, beforeAll, expect, it } from 'vitest';
import { longForm } from '../support/long.form.ts';
import { startWorld, type World } from '../support/world.ts';
import { readMutated } from './mutated.files.ts';
import { storeMutated } from './mutated.gateway.ts';
import { archived } from './stow.answers.ts';

const MB = 1024 * 1024;

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

it.each(longForm([11, 4242, 20_260_602], [11]))(
  'mutated DICOM files (seed %i) are read or refused, soon, and leave nothing behind',
  async (seed) => {
    const count = longForm(8000, 250);
    const { read, refused, slowestMs, grownBytes } = await readMutated(seed, count);
    expect(read + refused).toBe(count);
    // The mutations are useful only if some files are readable and others are not.
    expect(Math.min(read, refused)).toBeGreaterThan(count / 50);
    expect(slowestMs).toBeLessThan(200);
    expect(grownBytes).toBeLessThan(50 * MB);
  },
);

it('the gateway and its archive outlast mutated DICOM files, and agree on what is there', async () => {
  const count = longForm(3000, 60);
  const sender = await world.machine();
  const archive = world.orthanc.pid;
  const { statuses, grownBytes } = await storeMutated(world, sender, 7, count);
  expect(Object.keys(statuses).sort()).toEqual(['200', '409']);
  expect(grownBytes).toBeLessThan(50 * MB);
  process.kill(archive, 0);
  const [row] = await world.sql<{ count: number }[]>`select count(*)::int as count from instances`;
  expect(row?.count).toBeGreaterThan(0);
  expect(await archived(world)).toBe(row?.count);
  expect((await world.sql`select from pending`).length).toBe(0);
  expect(await world.gateway.logged()).not.toMatch(/"level":"(error|fatal)"/);
});
