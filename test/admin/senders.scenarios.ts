import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { World } from '../support/world.ts';

const execute = promisify(execFile);
const Account = z.strictObject({
  id: z.uuid(),
  name: z.string(),
  institution: z.null(),
  issuer: z.null(),
  disabled: z.literal(false),
  silent_after_minutes: z.number().nullable(),
  last_instance_at: z.iso.datetime().nullable(),
  silent: z.boolean().nullable(),
  store_command: z.string(),
});

let world: World;
let authorization: string;
let machine: Awaited<ReturnType<World['machine']>>;

const account = () => world.http.get(`/api/accounts/${machine.id}`).set('authorization', authorization);
const known = async () => Account.parse((await account().expect(200)).body);
const change = (body: object) =>
  world.http.patch(`/api/accounts/${machine.id}`).set('authorization', authorization).send(body);
const image = () => makeInstance({ studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid() });
/** Moves the storage times of all instances of the machine into the past. */
const age = (interval: string) =>
  world.sql`update instances set stored_at = now() - ${interval}::interval where stored_by = ${machine.id}`;
const told = async (event: string) =>
  (await world.gateway.logged())
    .split('\n')
    .filter((line) => line.includes(event) && line.includes(machine.id)).length;

/** The scenarios of machine accounts that send images. */
export function registerSenders(given: () => World): void {
  describe('senders', () => {
    beforeAll(async () => {
      world = given();
      ({ authorization } = await world.admin());
      machine = await world.machine();
    });

    describe('a machine account', () => {
      test('tells a command that stores a file when the key is put in', async () => {
        const before = await known();
        expect(before).toMatchObject({ last_instance_at: null, silent: null, silent_after_minutes: null });
        const folder = await mkdtemp(join(tmpdir(), 'radgate-sender-'));
        try {
          await writeFile(join(folder, 'image.dcm'), image());
          const command = before.store_command.replace('rgk_…', machine.key);
          const { stdout } = await execute('sh', ['-c', command], { cwd: folder });
          expect(stdout).toContain('/dicom-web/studies/');
        } finally {
          await rm(folder, { recursive: true });
        }
        const { last_instance_at } = await known();
        expect(Date.now() - Date.parse(last_instance_at ?? '')).toBeLessThan(60_000);
      });

      test('is silent after its minutes without an instance', async () => {
        await change({ silent_after_minutes: 30 }).expect(200);
        await age('29 minutes');
        expect(await known()).toMatchObject({ silent: false });
        await age('31 minutes');
        expect(await known()).toMatchObject({ silent: true });
      });
    });
  });
}

/**
 * The scenarios of the sender that {@link registerSenders} has left silent. The gateway looks for silent senders every ten seconds, so
 * other scenarios may run in between.
 */
export function registerSilentSender(): void {
  describe('senders', () => {
    describe('a silent machine account', () => {
      test('is reported once, and so is its return', async () => {
        await expect.poll(() => told('"event":"sender silent"'), { timeout: 20_000, interval: 500 }).toBe(1);
        await world.store(machine, [image()]).expect(200);
        expect(await known()).toMatchObject({ silent: false });
        await expect
          .poll(() => told('"event":"sender no longer silent"'), { timeout: 20_000, interval: 500 })
          .toBe(1);
        expect(await told('"event":"sender silent"')).toBe(1);
      }, 60_000);
    });

    describe('a machine account that sends', () => {
      test('keeps its entity tag while only what it sent changes', async () => {
        const { headers } = await account().expect(200);
        await world.store(machine, [image()]).expect(200);
        const tag = z.string().parse(headers['etag']);
        expect((await account().expect(200)).headers['etag']).toBe(tag);
        await change({ institution: null }).set('if-match', tag).expect(200);
        await change({ silent_after_minutes: 5 }).set('if-match', tag).expect(200);
        await change({ silent_after_minutes: 6 }).set('if-match', tag).expect(412);
      });

      test.each([0, -1, 1.5, 'soon', 600_000])(
        'is not silent after %j minutes',
        async (silent_after_minutes) => {
          const answer = await change({ silent_after_minutes }).expect(422);
          expect(answer.body).toMatchObject({ field: 'silent_after_minutes' });
        },
      );
    });
  });
}
