import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { World } from '../support/world.ts';

const MB = 1024 * 1024;

const study = freshUid();

let world: World;

/** The scenarios of search results that are too large. */
export function registerQidoHostile(shared: () => World): void {
  describe('large pages', () => {
    beforeAll(async () => {
      world = shared();
      // Each file contains two megabytes of text.
      const files = Array.from({ length: 9 }, () =>
        makeInstance({ studyUid: study, extra: [element('0040A160', 'UT', 'word '.repeat((2 * MB) / 5))] }),
      );
      await world.store(await world.machine(), files).expect(200);
    });

    it('a page of more than can be held is refused, and a smaller one is not', async () => {
      const reader = await world.radiologist(study);
      const path = `/studies/${study}/instances?includefield=all`;
      const answer = await world.get(reader, path).expect(400);
      expect(answer.text).toContain('smaller limit');
      await world.get(reader, `${path}&limit=2`).expect(200);
      await world.get(reader, `/studies/${study}/instances?includefield=00080005`).expect(200);
    });
  });
}
