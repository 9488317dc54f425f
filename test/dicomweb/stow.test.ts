import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

describe('storing by STOW-RS', () => {
  it('an instance that was stored is found, and comes back as it was sent', async () => {
    const modality = await world.machine();
    const study = freshUid();
    const file = makeInstance({ studyUid: study });
    const answer = await world.store(modality, [file]).expect(200);
    expect(JSON.parse(answer.text)['00081199'].Value).toHaveLength(1);
    const reader = await world.radiologist(study);
    const found = await world.get(reader, '/studies').expect(200);
    expect(JSON.parse(found.text)).toHaveLength(1);
  });
});
