import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { World } from '../support/world.ts';
import { CorpusDataSets } from './corpus.differences.ts';
import { type Ask, askerOf } from './wado.world.ts';

const study = freshUid();

const series = freshUid();

const latinStudy = freshUid();

/** ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎 in ISO 2022 IR 13 and 87 (the example of PS3.5 H.3.2). The archive does not decode it. */
const name = Buffer.from('d4cfc0de5ec0dbb33d1b24423b3345441b284a5e1b244242404f3a1b284a', 'hex');

/** 山田 */
const description = Buffer.from('1b24423b3345441b284a', 'hex');

let world: World;

let ask: Ask;

/** The scenarios of character sets. */
export function registerMetadataCharset(shared: () => World): void {
  describe('character sets of metadata', () => {
    beforeAll(async () => {
      world = shared();
      const extra = [
        element('00080005', 'CS', 'ISO 2022 IR 13\\ISO 2022 IR 87'),
        element('00081030', 'LO', description),
        element('00100010', 'PN', name),
      ];
      const latin = [
        element('00080005', 'CS', '\\ISO 2022 IR 87'),
        element('00081030', 'LO', Buffer.from('1b24423b3345441b2842', 'hex')),
        element('00100010', 'PN', 'Yamada^Tarou'),
      ];
      const files = [1, 2].map((instanceNumber) =>
        makeInstance({ studyUid: study, seriesUid: series, patientId: 'CHARSET', instanceNumber, extra }),
      );
      files.push(makeInstance({ studyUid: latinStudy, patientId: 'CHARSET', extra: latin }));
      await world.store(await world.machine(), files).expect(200);
      ask = askerOf(world, await world.radiologist(study, latinStudy));
    });

    it.each([
      `/studies?StudyInstanceUID=${study}`,
      `/instances?StudyInstanceUID=${study}&includefield=all`,
      `/studies/${study}/metadata`,
      `/studies/${study}/series/${series}/metadata`,
    ])('text that the archive does not decode is told in UTF-8: %s', async (path) => {
      const { status, body } = await ask(path);
      expect(status).toBe(200);
      const items = CorpusDataSets.parse(JSON.parse(body.toString()));
      expect(items.length).toBeGreaterThan(0);
      for (const item of items) {
        expect(item['00100010']).toEqual({
          vr: 'PN',
          Value: [{ Alphabetic: 'ﾔﾏﾀﾞ^ﾀﾛｳ', Ideographic: '山田^太郎' }],
        });
        expect(item['00081030']).toEqual({ vr: 'LO', Value: ['山田'] });
        expect(item['00080005']).toEqual({ vr: 'CS', Value: ['ISO_IR 192'] });
      }
    });

    it.each([
      `/studies?StudyInstanceUID=${latinStudy}`,
      `/instances?StudyInstanceUID=${latinStudy}&includefield=all`,
      `/studies/${latinStudy}/metadata`,
    ])(
      'a Latin name does not decide that a description in ISO 2022 IR 87 needs no decoding: %s',
      async (path) => {
        const { status, body } = await ask(path);
        expect(status).toBe(200);
        const [item = {}] = CorpusDataSets.parse(JSON.parse(body.toString()));
        expect(item['00100010']).toEqual({ vr: 'PN', Value: [{ Alphabetic: 'Yamada^Tarou' }] });
        expect(item['00081030']).toEqual({ vr: 'LO', Value: ['山田'] });
      },
    );
  });
}
