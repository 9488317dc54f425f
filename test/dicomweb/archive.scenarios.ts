import { unzipSync } from 'fflate';
import { beforeAll, describe, expect, it } from 'vitest';
import type { World } from '../support/world.ts';
import { readDirectory } from './dicomdir.reading.ts';
import { askerOf, at, ct, fileOf, files, otherStudy, type Retrieval, sop, study } from './wado.world.ts';

/** Registers the tests of downloads as ZIP archives with the given gateway. */
export function registerArchive(given: () => Retrieval): void {
  describe('a ZIP archive of', () => {
    let world: World;
    beforeAll(() => {
      ({ world } = given());
    });
    const askAs = async (authorization: string, path: string, method = 'GET') => {
      const answer = await fetch(`${world.gateway.url}/api${path}/archive`, {
        method,
        headers: { authorization },
      });
      return { answer, body: Buffer.from(await answer.arrayBuffer()) };
    };

    it.each([
      ['study', `/studies/${study}`, [...files.keys()]],
      ['series', `/studies/${study}/series/${ct}`, [sop.one, sop.two]],
      ['instance', at.one, [sop.one]],
    ])('a %s has the stored files and a DICOMDIR that names them', async (level, path, uids) => {
      const reader = await world.radiologist(study);
      const { answer, body } = await askAs(reader.authorization, path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('application/zip');
      expect(answer.headers.get('content-disposition')).toMatch(
        new RegExp(`^attachment; filename="${level}-[0-9a-f]{8}\\.zip"$`),
      );
      const read = unzipSync(body);
      const [patient] = readDirectory(Buffer.from(read['DICOMDIR'] ?? []));
      expect(patient?.text(0x00100020)).toBe('PAT-1');
      const records = patient?.below[0]?.below.flatMap((series) => series.below) ?? [];
      expect(records.map((record) => record.text(0x00041511)).toSorted()).toEqual(uids.toSorted());
      for (const record of records) {
        const name = record.text(0x00041500).replaceAll('\\', '/');
        expect(name).toMatch(/^DICOM\/ST000001\/SE\d{6}\/IM\d{6}$/);
        expect(fileOf(record.text(0x00041511)).equals(Buffer.from(read[name] ?? []))).toBe(true);
      }
      expect(Object.keys(read)).toHaveLength(uids.length + 1);
      const head = await askAs(reader.authorization, path, 'HEAD');
      expect([head.answer.status, head.answer.headers.get('content-disposition'), head.body.length]).toEqual([
        200,
        answer.headers.get('content-disposition'),
        0,
      ]);
      const rows = await world.sql`
        select kind, study_uid, patient_id from audit where account_id = ${reader.id} and action = 'read archive'`;
      expect(rows).toEqual([{ kind: 'opened', study_uid: study, patient_id: 'PAT-1' }]);
    });

    it('something that the account may not read is refused like something unknown', async () => {
      const reader = await world.radiologist(otherStudy.study);
      const unknown = await askAs(reader.authorization, '/studies/1.2.3.4.5');
      const foreign = await askAs(reader.authorization, `/studies/${study}`);
      expect([unknown.answer.status, foreign.answer.status]).toEqual([404, 404]);
      expect(foreign.body.equals(unknown.body)).toBe(true);
      expect((await askAs(reader.authorization, `/studies/${study}`, 'HEAD')).answer.status).toBe(404);
      const asked = await askerOf(world, reader)(`/studies/${study}`);
      expect(asked.body.equals(foreign.body)).toBe(true);
    });
  });
}
