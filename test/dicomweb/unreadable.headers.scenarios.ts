import { beforeAll, describe, expect, it, vi } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import type { World } from '../support/world.ts';
import { type DataSet, CorpusDataSets } from './corpus.differences.ts';
import { catalogued } from './stow.answers.ts';
import { FORGIVEN_FILES, ODD_FILES } from './unreadable.files.ts';
import { type Ask, askerOf } from './wado.world.ts';

const study = freshUid();

const FILES = { ...ODD_FILES, ...FORGIVEN_FILES };

/** Each file has its own series and is stored directly in the archive. */
const held = Object.entries(FILES).map(([name, make]) => ({
  name,
  make,
  uids: { studyUid: study, seriesUid: freshUid(), sopUid: freshUid(), patientId: 'ODD-1' },
}));

let world: World;

let ask: Ask;

async function dataSetsOf(answer: { status: number; body: Buffer }): Promise<DataSet[]> {
  expect(answer.status).toBe(200);
  return CorpusDataSets.parse(JSON.parse(answer.body.toString()));
}

/** The number of unreadable headers so far. */
async function unreadable(): Promise<number> {
  const token = `Bearer ${world.gateway.env['METRICS_TOKEN'] ?? ''}`;
  const { text } = await world.http.get('/metrics').set('authorization', token).expect(200);
  return Number(/radgate_handled_errors_total\{work="unreadable header"\} (\d+)/.exec(text)?.[1] ?? 0);
}

/** The scenarios of files that the gateway cannot read. */
export function registerUnreadableHeaders(shared: () => World): void {
  describe('unreadable headers', () => {
    beforeAll(async () => {
      world = shared();
      for (const { make, uids } of held) {
        const body = new Uint8Array(make(uids));
        expect((await world.archive('/instances', { method: 'POST', body })).status).toBe(200);
      }
      await vi.waitUntil(async () => (await catalogued(world, study))?.instances === held.length, 20_000);
      ask = askerOf(world, await world.radiologist(study));
    });

    describe.each(held)('an instance with $name', ({ uids: { seriesUid, sopUid } }) => {
      const path = `/studies/${study}/series/${seriesUid}/instances/${sopUid}`;

      it('has the metadata that the archive reads', async () => {
        const [ours = {}] = await dataSetsOf(await ask(`${path}/metadata`));
        const answer = await world.archive(`/dicom-web${path}/metadata`);
        const [theirs = {}] = CorpusDataSets.parse(await answer.json());
        const { '00420011': document, '00081190': url, ...rest } = ours;
        expect(url?.['Value']).toEqual([`${world.gateway.url}/dicom-web${path}`]);
        const { '00420011': theirDocument, ...theirRest } = theirs;
        expect(rest).toEqual(theirRest);
        expect(document === undefined).toBe(theirDocument === undefined);
      });

      it('has its bulk data', async () => {
        const [{ '00420011': document } = {}] = await dataSetsOf(await ask(`${path}/metadata`));
        // If the archive stops reading at a delimiter, its metadata does not contain the document.
        if (document === undefined) return;
        const { pathname } = new URL(String(document['BulkDataURI']));
        const { status, body } = await ask(pathname.replace('/dicom-web', ''), 'application/octet-stream');
        expect([status, body.equals(Buffer.alloc(600, 5))]).toEqual([200, true]);
      });
    });

    it('studies and searches that hold such instances are answered whole', async () => {
      const ofStudy = await dataSetsOf(await ask(`/studies/${study}/metadata`));
      expect(ofStudy).toHaveLength(held.length);
      const found = await dataSetsOf(await ask(`/instances?StudyInstanceUID=${study}&includefield=all`));
      expect(found.map((one) => String(one['00080018']?.['Value'])).toSorted()).toEqual(
        held.map(({ uids }) => uids.sopUid).toSorted(),
      );
      expect(
        await ask(`/studies/${study}/metadata`, 'multipart/related; type="application/dicom+xml"'),
      ).toMatchObject({
        status: 200,
      });
    });

    it('each is counted; the log names the fault and nothing of the file', async () => {
      await expect.poll(unreadable).toBeGreaterThanOrEqual(Object.keys(ODD_FILES).length);
      const lines = (await world.gateway.logged())
        .split('\n')
        .filter((line) => line.includes('unreadable header'));
      expect(lines.length).toBeGreaterThan(0);
      expect(lines.join('')).toMatch(/DicomUnreadable (?:too-deep|structure|meta)/);
      expect(lines.join('')).not.toContain('ODD-1');
    });
  });
}
