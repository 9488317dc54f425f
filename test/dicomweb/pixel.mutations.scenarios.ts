import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { longForm, sample } from '../support/long.form.ts';
import type { World } from '../support/world.ts';
import { brokenImages, type MutatedImage, mutatedImages } from './pixel.mutations.ts';
import { type Ask, askerOf } from './wado.world.ts';

const COUNT = longForm(10_000, 28);
const AT_ONCE = 4;
const MB = 1024 * 1024;
const MOST_MEMORY = 600 * MB;
const FORMS = [
  ['rendered', undefined],
  ['thumbnail', 'image/png'],
  ['frames/1', 'application/octet-stream'],
  ['frames/1', 'multipart/related; type="application/octet-stream"; transfer-syntax=*'],
  ['bulk/7FE00010', 'application/octet-stream'],
  ['', 'application/dicom; transfer-syntax=1.2.840.10008.1.2.1'],
] as const;

const REFUSED = [
  ['/rendered', undefined],
  ['/thumbnail', undefined],
  ['/frames/1', 'application/octet-stream'],
  ['', 'application/dicom; transfer-syntax=1.2.840.10008.1.2.1'],
] as const;

/** The faults of the answers about one image: statuses that are neither success nor refusal, and bodies of another length. */
async function faultsOf(
  ask: Ask,
  { name, path }: MutatedImage,
  seen: Map<number, number>,
): Promise<string[]> {
  const faults: string[] = [];
  for (const [resource, accept] of FORMS) {
    const { status, headers, body } = await ask(resource === '' ? path : `${path}/${resource}`, accept);
    seen.set(status, (seen.get(status) ?? 0) + 1);
    const told = headers.get('content-length');
    if (status !== 200 && status !== 406 && status !== 404) faults.push(`${name} ${resource}: ${status}`);
    if (told !== null && Number(told) !== body.length) faults.push(`${name} ${resource}: ${body.length}`);
  }
  return faults;
}

async function peakMemory(world: World): Promise<number> {
  const status = await readFile(`/proc/${world.gateway.pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** The scenarios of mutated pixels. */
export function registerPixelMutations(shared: () => World): void {
  describe('mutated pixels', () => {
    it('that are broken or contradict their header are 406 in each transfer syntax', async () => {
      const world = shared();
      const study = freshUid();
      const images = sample(await brokenImages(study), 20);
      const archive = world.orthanc.pid;
      await world.store(
        await world.machine(),
        images.map(({ file }) => file),
      );
      const ask = askerOf(world, await world.radiologist(study));
      const from = world.gateway.upstream?.requests.length ?? 0;
      for (const { name, path } of images)
        for (const [resource, accept] of REFUSED) {
          const { status } = await ask(`${path}${resource}`, accept);
          expect([name, resource, status]).toEqual([name, resource, 406]);
        }
      const asked = world.gateway.upstream?.requests.slice(from) ?? [];
      expect(asked.filter((one) => /transcode|rendered|preview/.test(one))).toEqual([]);
      expect(world.orthanc.pid).toBe(archive);
    });

    it(
      'of each transfer syntax are refused or decoded, and the archive lives',
      async () => {
        const world = shared();
        const study = freshUid();
        const sender = await world.machine();
        const archive = world.orthanc.pid;
        const images: MutatedImage[] = [];
        for await (const image of mutatedImages(15, study)) if (images.push(image) === COUNT) break;
        const faults: string[] = [];
        const [first, ...rest] = images;
        if (first === undefined) throw new Error('no images');
        const store = async ({ name, file }: MutatedImage) => {
          const { status } = await world.store(sender, [file]);
          if (status !== 200 && status !== 409) faults.push(`${name}: stored with ${status}`);
          return status === 200;
        };
        await store(first);
        // A key does not expire during the long form.
        const reader = await world.machine([{ rights: ['studies:read'], scope: { kind: 'all' } }]);
        const ask = askerOf(world, reader);
        const seen = new Map<number, number>();
        const worker = async () => {
          for (let image = rest.pop(); image !== undefined; image = rest.pop())
            if (await store(image)) faults.push(...(await faultsOf(ask, image, seen)));
        };
        await Promise.all(Array.from({ length: AT_ONCE }, worker));
        expect(faults).toEqual([]);
        // The mutations are useful only if some are decoded and others are refused.
        expect(Math.min(seen.get(200) ?? 0, seen.get(406) ?? 0)).toBeGreaterThan(COUNT / 10);
        expect(world.orthanc.pid).toBe(archive);
        expect((await world.archive('/system')).status).toBe(200);
        expect(await peakMemory(world)).toBeLessThan(MOST_MEMORY);
      },
      longForm(3_600_000, 30_000),
    );
  });
}
