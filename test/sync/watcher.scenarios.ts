import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance, type InstanceOptions } from '../../infra/demo/dicom.writer.ts';
import { openPrefix } from '../../infra/local/prefix.ts';
import { orthancIdOf } from '../../src/orthanc/orthanc.id.ts';
import { longForm } from '../support/long.form.ts';
import type { Caller, OwnWorld } from '../support/world.ts';
import { archived, catalogued, told } from '../dicomweb/stow.answers.ts';

/** The time within which the gateway must detect a change of the archive. */
const SOON = { timeout: 5000, interval: 100 };

let world: OwnWorld;
let sender: Caller;

/** Stores a file directly in the archive, not through the gateway. */
async function bring(options: InstanceOptions): Promise<Buffer> {
  const file = makeInstance(options);
  const answer = await world.archive('/instances', { method: 'POST', body: new Uint8Array(file) });
  expect(answer.status).toBe(200);
  return file;
}

function uids() {
  return { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid(), patientId: 'MRN-1' };
}

function archiveId(of: ReturnType<typeof uids>, level: 'study' | 'series' | 'instance'): string {
  const { studyUid, seriesUid, sopUid } = of;
  const chain = { study: [studyUid], series: [studyUid, seriesUid], instance: [studyUid, seriesUid, sopUid] };
  return orthancIdOf(of.patientId, ...chain[level]);
}

async function patientOf(studyUid: string): Promise<unknown> {
  const [row] = await world.sql`
    select p.patient_id as patient from studies s join patients p on p.id = s.patient
    where s.study_uid = ${studyUid} and s.instance_count > 0`;
  return row?.['patient'];
}

/** The scenarios of changes of the archive that the gateway must detect. */
export function registerWatcher(given: () => OwnWorld): void {
  describe('the watcher', () => {
    beforeAll(async () => {
      world = given();
      sender = await world.machine();
    });

    describe('what arrives past the gateway', () => {
      it('appears within five seconds, for whom it may', async () => {
        const it = uids();
        const reader = await world.radiologist(it.studyUid);
        await bring(it);
        await expect.poll(async () => (await world.get(reader, '/studies')).body.length, SOON).toBe(1);
        const path = `/studies/${it.studyUid}/series/${it.seriesUid}/instances/${it.sopUid}`;
        await world.get(reader, path).set('accept', 'application/dicom; transfer-syntax=*').expect(200);
        await world.get(await world.radiologist(freshUid()), `${path}/metadata`).expect(404);
      });

      it('is of the patient without the blanks before the id, and stays', async () => {
        const it = uids();
        await bring({ ...it, patientId: '  MRN-BLANK' });
        await expect.poll(() => patientOf(it.studyUid), SOON).toBe('MRN-BLANK');
        const answer = await world.archive('/tools/lookup', { method: 'POST', body: it.studyUid });
        const [found] = z.array(z.object({ ID: z.string() })).parse(await answer.json());
        const [row] = await world.sql`select orthanc_id from studies where study_uid = ${it.studyUid}`;
        expect(row?.['orthanc_id']).toBe(found?.ID);
      });

      it('by storescu from a machine account’s AET: issuer and institution are the account’s', async () => {
        const { name } = await world.machine([], { issuer: 'CT2', institution: 'North' });
        const it = uids();
        const dir = await mkdtemp(join(tmpdir(), 'radgate-storescu-'));
        try {
          await writeFile(join(dir, 'a.dcm'), makeInstance(it));
          const prefix = openPrefix(inject('prefix'));
          const port = String(world.orthanc.dicomPort);
          const to = ['-aet', name, '-aec', world.orthanc.aet, '127.0.0.1', port];
          const [program = '', ...args] = prefix.command('usr/bin/storescu', ...to, join(dir, 'a.dcm'));
          const DCMDICTPATH = join(prefix.folder, 'usr/share/dcmtk/dicom.dic');
          await promisify(execFile)(program, args, { env: { DCMDICTPATH } });
        } finally {
          await rm(dir, { recursive: true, force: true });
        }
        await expect.poll(() => catalogued(world, it.studyUid), SOON).toMatchObject({ instances: 1 });
        const [row] = await world.sql`
      select p.issuer, s.institution from studies s join patients p on p.id = s.patient where s.study_uid = ${it.studyUid}`;
        expect(row).toEqual({ issuer: 'CT2', institution: 'North' });
      });

      it('and is stored by STOW once more: the same is 200, before and after it was seen; other content is 0x0111', async () => {
        const it = uids();
        const file = await bring(it);
        await world.store(sender, [file]).expect(200);
        await expect
          .poll(() => catalogued(world, it.studyUid), SOON)
          .toMatchObject({ instances: 1, pending: 0 });
        const large = { ...uids(), rows: 900, columns: 900 };
        const big = await bring(large);
        await expect.poll(() => catalogued(world, large.studyUid), SOON).toMatchObject({ instances: 1 });
        const before = await archived(world);
        await world.store(sender, [big, file]).expect(200);
        expect(await archived(world)).toBe(before);
        const other = makeInstance({ ...large, studyDescription: 'other' });
        expect(told(await world.store(sender, [other]).expect(409)).failed).toEqual({
          [large.sopUid]: 0x0111,
        });
        const unseen = uids();
        await bring(unseen);
        const answer = await world
          .store(sender, [makeInstance({ ...unseen, studyDescription: 'other' })])
          .expect(409);
        expect(told(answer).failed).toEqual({ [unseen.sopUid]: 0x0111 });
        await expect
          .poll(() => catalogued(world, unseen.studyUid), SOON)
          .toMatchObject({ instances: 1, pending: 0 });
      });

      it('with names and identifiers beyond ASCII it appears and stays', async () => {
        const it = { ...uids(), patientId: 'Ünal-7', patientName: 'Ünal^Çağla' };
        await bring(it);
        const latin = {
          ...uids(),
          extra: [
            element('00080005', 'CS', 'ISO_IR 100'),
            element('00100020', 'LO', Buffer.from('Ärzte1', 'latin1')),
          ],
        };
        await bring(latin);
        const rows = () =>
          world.sql`select s.id, p.patient_id from studies s join patients p on p.id = s.patient
        where s.study_uid = any(${[it.studyUid, latin.studyUid]}) and instance_count > 0 order by p.patient_id`;
        await expect.poll(async () => (await rows()).length, SOON).toBe(2);
        const first = await rows();
        expect(first.map((row) => row['patient_id'])).toEqual(['Ärzte1', 'Ünal-7']);
        // The deletion of another study makes the gateway compare the whole archive with the catalog.
        const gone = uids();
        await bring(gone);
        await expect.poll(() => catalogued(world, gone.studyUid), SOON).toMatchObject({ instances: 1 });
        await world.archive(`/studies/${archiveId(gone, 'study')}`, { method: 'DELETE' });
        await expect.poll(() => catalogued(world, gone.studyUid), SOON).toMatchObject({ instances: 0 });
        expect(await rows()).toEqual(first);
      });

      it('one that cannot be taken holds up no other', async () => {
        const [bad, good] = [uids(), uids()];
        await bring({ ...bad, sopUid: '1.2.A.4' });
        await bring({ ...bad, sopUid: `1.2.${'3'.repeat(62)}` });
        await bring(good);
        await expect.poll(() => catalogued(world, good.studyUid), SOON).toMatchObject({ instances: 1 });
        expect(await catalogued(world, bad.studyUid)).toMatchObject({ instances: 0 });
      });

      it.each(['in the archive', 'through the gateway'])(
        'with another patient for a known study it is not shown until the first is deleted %s',
        async (where) => {
          const it = uids();
          const file = makeInstance(it);
          await world.store(sender, [file]).expect(200);
          const other = { ...it, sopUid: freshUid(), seriesUid: freshUid(), patientId: 'MRN-2' };
          const witness = uids();
          await bring(other);
          await bring(witness);
          await expect.poll(() => catalogued(world, witness.studyUid), SOON).toMatchObject({ instances: 1 });
          expect(await catalogued(world, it.studyUid)).toMatchObject({ instances: 1, counted: 1, series: 1 });
          expect(await patientOf(it.studyUid)).toBe('MRN-1');
          const reader = await world.radiologist(it.studyUid);
          await world.get(reader, `/studies/${it.studyUid}/metadata`).expect(200);
          if (where === 'in the archive')
            await world.archive(`/studies/${archiveId(it, 'study')}`, { method: 'DELETE' });
          else {
            const scope = { kind: 'study', study_uid: it.studyUid };
            const eraser = await world.person({ rights: ['studies:delete'], scope });
            await world.http
              .delete(`/dicom-web/studies/${it.studyUid}`)
              .set('authorization', eraser.authorization)
              .expect(204);
          }
          await expect.poll(() => patientOf(it.studyUid), SOON).toBe('MRN-2');
        },
      );
    });

    describe('what is deleted in the archive', () => {
      it('vanishes within five seconds: an instance, a series, a study', async () => {
        const [it, instance, series] = [uids(), uids(), uids()];
        const [otherInstance, otherSeries] = [
          { ...instance, sopUid: freshUid() },
          { ...series, seriesUid: freshUid(), sopUid: freshUid() },
        ];
        await world
          .store(
            sender,
            [it, instance, otherInstance, series, otherSeries].map((one) => makeInstance(one)),
          )
          .expect(200);
        const remove = async (path: string) => {
          expect((await world.archive(path, { method: 'DELETE' })).status).toBe(200);
        };
        await remove(`/instances/${archiveId(instance, 'instance')}`);
        await remove(`/series/${archiveId(series, 'series')}`);
        await remove(`/studies/${archiveId(it, 'study')}`);
        for (const { studyUid } of [instance, series])
          await expect
            .poll(() => catalogued(world, studyUid), SOON)
            .toMatchObject({ instances: 1, counted: 1, series: 1 });
        await expect
          .poll(() => world.sql`select 1 from studies where study_uid = ${it.studyUid}`, SOON)
          .toEqual([]);
      });

      it('is stored anew when it is sent again at once, though its loss was not noticed', async () => {
        const it = uids();
        const file = makeInstance(it);
        for (let round = 0; round < longForm(5, 2); round += 1) {
          await world.store(sender, [file]).expect(200);
          await world.archive(`/instances/${archiveId(it, 'instance')}`, { method: 'DELETE' });
          await world.store(sender, [file]).expect(200);
          expect((await world.archive(`/instances/${archiveId(it, 'instance')}`)).status).toBe(200);
        }
        await expect
          .poll(() => catalogued(world, it.studyUid), SOON)
          .toMatchObject({ instances: 1, counted: 1 });
      });
    });

    describe('who watches', () => {
      it('the archive killed and started again: nothing vanishes, and what arrives then appears', async () => {
        const [before, after] = [uids(), uids()];
        await world.store(sender, [makeInstance(before)]).expect(200);
        await world.orthanc.kill();
        await world.orthanc.restart();
        await bring(after);
        await expect.poll(() => catalogued(world, after.studyUid), SOON).toMatchObject({ instances: 1 });
        expect(await catalogued(world, before.studyUid)).toMatchObject({ instances: 1 });
      });

      it('of two gateways one; when it dies the other takes over', async () => {
        const holders =
          () => world.sql`select pid from pg_locks where locktype = 'advisory' and objid = 7263412
      and database = (select oid from pg_database where datname = current_database())`;
        const dead = world.gateway;
        const second = await world.secondGateway();
        const [first, ...others] = await holders();
        expect(others).toEqual([]);
        process.kill(dead.pid, 'SIGKILL');
        await dead.exited;
        world.gateway = second;
        await dead.stop();
        const it = uids();
        await bring(it);
        await expect.poll(() => catalogued(world, it.studyUid), SOON).toMatchObject({ instances: 1 });
        const [next] = await holders();
        expect(next).toBeDefined();
        expect(next).not.toEqual(first);
      });
    });
  });
}
