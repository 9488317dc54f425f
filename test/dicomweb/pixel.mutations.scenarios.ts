import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { isLong, longForm, sample } from '../support/long.form.ts';
import type { Caller, World } from '../support/world.ts';
import { brokenImages, type MutatedImage, mutatedStudies } from './pixel.mutations.ts';
import { told } from './stow.answers.ts';
import { type Ask, askerOf } from './wado.world.ts';

const COUNT = longForm(10_000, 28);
const STUDY_SIZE = longForm(25, 7);
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

/**
 * Sends a request. If the gateway closes the idle connection while the request is sent, sends it again (RFC 9112 §9.3.1). Throws if the
 * gateway has ended. Counts the repetitions.
 */
async function repeated<T>(world: World, seen: Map<string, number>, send: () => PromiseLike<T>): Promise<T> {
  try {
    return await send();
  } catch {
    process.kill(world.gateway.pid, 0);
    count(seen, 'repeated');
    return await send();
  }
}

/** The faults of the answers about one image: statuses that are neither success nor refusal, and bodies of another length. */
async function faultsOf(
  ask: Ask,
  { name, path }: MutatedImage,
  seen: Map<string, number>,
): Promise<string[]> {
  const faults: string[] = [];
  for (const [resource, accept] of FORMS) {
    const { status, headers, body } = await ask(resource === '' ? path : `${path}/${resource}`, accept);
    count(seen, `GET ${status}`);
    const told = headers.get('content-length');
    if (status !== 200 && status !== 406 && status !== 404) faults.push(`${name} ${resource}: ${status}`);
    if (told !== null && Number(told) !== body.length) faults.push(`${name} ${resource}: ${body.length}`);
  }
  return faults;
}

/** Starts the measurement of {@link peakMemory} again (`/proc/pid/clear_refs`, proc(5)). */
async function resetPeakMemory(world: World): Promise<void> {
  await writeFile(`/proc/${world.gateway.pid}/clear_refs`, '5');
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
        const sender = await world.machine();
        // A key does not expire during the long form.
        const reader = await world.machine([{ rights: ['studies:read'], scope: { kind: 'all' } }]);
        const seen = new Map<string, number>();
        const asking = askerOf(world, reader);
        const ask: Ask = (path, accept) => repeated(world, seen, () => asking(path, accept));
        const archive = world.orthanc.pid;
        await resetPeakMemory(world);
        const faults: string[] = [];
        const stopReader = await otherReader(world, sender, ask);
        const studies = mutatedStudies(15, STUDY_SIZE);
        let left = COUNT;
        const worker = async () => {
          while (left > 0) {
            left -= STUDY_SIZE;
            // A run that is cut short still shows its figures.
            if (isLong && left % 1000 === 0)
              console.info(JSON.stringify({ left, counts: Object.fromEntries(seen) }));
            const { value: images } = await studies.next();
            for (const image of await storedOf(world, sender, images, seen, faults))
              faults.push(...(await faultsOf(ask, image, seen)));
          }
        };
        await Promise.all(Array.from({ length: AT_ONCE }, worker));
        const counts = Object.fromEntries(seen);
        const peak = await peakMemory(world);
        const latency = await stopReader();
        if (isLong) console.info(JSON.stringify({ images: COUNT, counts, peak: peak / MB, latency }));
        expect(faults).toEqual([]);
        expect(seen.get('repeated') ?? 0).toBeLessThan(Math.max(5, COUNT / 100));
        // The mutations are useful only if some are decoded and others are refused.
        expect(Math.min(seen.get('GET 200') ?? 0, seen.get('GET 406') ?? 0)).toBeGreaterThan(COUNT / 10);
        expect(world.orthanc.pid).toBe(archive);
        expect((await world.archive('/system')).status).toBe(200);
        expect(peak).toBeLessThan(MOST_MEMORY);
      },
      longForm(3_600_000, 30_000),
    );
  });
}

/** Stores the images of a study in one request, and returns those that were stored. Other outcomes than success and refusal are faults. */
async function storedOf(
  world: World,
  sender: Caller,
  images: readonly MutatedImage[],
  seen: Map<string, number>,
  faults: string[],
): Promise<MutatedImage[]> {
  const files = images.map(({ file }) => file);
  const answer = await repeated(world, seen, () => world.store(sender, files));
  if (![200, 202, 409].includes(answer.status)) {
    faults.push(`${images[0]?.name} and ${images.length - 1} more: stored with ${answer.status}`);
    return [];
  }
  const { stored, failed, unnamed } = told(answer);
  const reasons = [...Object.values(failed), ...unnamed].map((reason) => `POST ${String(reason)}`);
  for (const outcome of [...reasons, ...stored.map(() => 'POST stored')]) count(seen, outcome);
  const uids = new Set(stored);
  return images.filter(({ sopUid }) => uids.has(sopUid));
}

function count(seen: Map<string, number>, outcome: string): void {
  seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
}

/** Reads a sound image again and again. `stop` returns the median time of a read in ms, alone and beside the mutations. */
async function otherReader(
  world: World,
  sender: Caller,
  ask: Ask,
): Promise<() => Promise<{ alone: number; beside: number }>> {
  const uids = { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid() };
  await world.store(sender, [makeInstance(uids)]).expect(200);
  const path = `/studies/${uids.studyUid}/series/${uids.seriesUid}/instances/${uids.sopUid}/frames/1`;
  const read = async () => {
    const start = performance.now();
    expect((await ask(path)).status).toBe(200);
    return performance.now() - start;
  };
  const alone: number[] = [];
  for (let left = 50; left > 0; left -= 1) alone.push(await read());
  const beside: number[] = [];
  const stop = new AbortController();
  const reading = (async () => {
    while (!stop.signal.aborted) {
      beside.push(await read());
      await setTimeout(100);
    }
  })();
  return async () => {
    stop.abort();
    await reading;
    return { alone: medianOf(alone), beside: medianOf(beside) };
  };
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
