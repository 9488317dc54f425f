import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { constants, deflateRawSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshUid, TransferSyntax } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { type BreakingProxy, startBreakingProxy } from '../support/breaking.proxy.ts';
import { isLong } from '../support/long.form.ts';
import { startOwnWorld, type Caller, type OwnWorld } from '../support/world.ts';
import { openStore, type SlowStore } from './stow.answers.ts';

const MB = 1024 * 1024;
/** The gateway sends instances above this size (in bytes) to the archive one at a time. */
const LARGE = 128 * MB;
const SOON = { timeout: 15_000, interval: 100 };

let world: OwnWorld;
let proxy: BreakingProxy;
let sender: Caller;
beforeAll(async () => {
  world = await startOwnWorld(async ({ orthanc }) => {
    proxy = await startBreakingProxy(orthanc.url);
    return { ORTHANC_URL: proxy.url };
  });
  sender = await world.machine();
});
afterAll(async () => {
  await world?.stop();
  await proxy?.stop();
});

/** Deflates a part of a data set. The next part may follow directly. */
const deflatedPart = (bytes: Buffer) => deflateRawSync(bytes, { finishFlush: constants.Z_FULL_FLUSH });
/** Zeros of 1 MiB. The file has them 128 times. They are deflated once, because that takes long. */
const zeros = deflatedPart(Buffer.alloc(MB));

/** An instance whose pixels are random bytes, zeros and random bytes. It has more than 128 MiB inflated, and 3 MB deflated. */
function largeFile(): Buffer {
  const uids = { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid() };
  const pixels = [element('7FE00010', 'OW', Buffer.alloc(0))];
  const plain = makeInstance({ ...uids, extra: pixels });
  const dataSet = plain.subarray(endOfMeta(plain));
  // The pixels are the last element. Their length is in its last four bytes.
  dataSet.writeUInt32LE(LARGE + 3 * MB, dataSet.length - 4);
  const deflated = makeInstance({ ...uids, extra: pixels, transferSyntax: TransferSyntax.deflated });
  return Buffer.concat([
    deflated.subarray(0, endOfMeta(deflated)),
    deflatedPart(Buffer.concat([dataSet, randomBytes(2 * MB)])),
    ...Array.from({ length: LARGE / MB }, () => zeros),
    deflateRawSync(randomBytes(MB)),
  ]);
}

/** The offset of the data set. The group length of the file meta information gives it (PS3.10 §7.1). */
const endOfMeta = (file: Buffer) => 144 + file.readUInt32LE(140);

/** The number of bytes at the end of a file that the sender does not send before the test ends the upload. */
const LAST = MB / 2;

/** Two large uploads. `holder` has the slot for large instances and pauses. `waiter` waits for the slot. */
interface Pair {
  holder: SlowStore;
  waiter: SlowStore;
  files: [Buffer, Buffer];
}
let pair: Pair;

/** The connections of uploads to the archive. The connection with the most sent bytes comes first. */
const uploads = () =>
  proxy.connections.filter(({ sent }) => sent > MB).toSorted((one, other) => other.sent - one.sent);

async function begin(file: Buffer): Promise<SlowStore> {
  const store = openStore(world, sender);
  await store.write(store.part);
  await store.write(file.subarray(0, -LAST));
  return store;
}

/** Ends a body correctly and returns the status of the answer. */
async function finish(store: SlowStore, file: Buffer): Promise<number> {
  store.request.end(Buffer.concat([file.subarray(-LAST), Buffer.from(store.close)]));
  return (await store.answer).status;
}

describe('an upload above 128 MiB', () => {
  beforeEach(async () => {
    const files: [Buffer, Buffer] = [largeFile(), largeFile()];
    const holder = await begin(files[0]);
    // The archive has received almost all bytes that `holder` has sent, so `holder` has the slot.
    await expect.poll(() => (uploads()[0]?.sent ?? 0) > files[0].length - LAST - MB / 8, SOON).toBe(true);
    const waiter = await begin(files[1]);
    await expect.poll(() => uploads().length, SOON).toBe(2);
    await sleep(1000);
    pair = { holder, waiter, files };
    expect(uploads()[1]?.sent).toBeLessThan(files[1].length - LAST - MB / 8);
  });
  afterEach(async () => {
    pair.holder.request.destroy();
    pair.waiter.request.destroy();
    // The next test can begin only if no upload has kept the slot.
  });

  it('whose archive connection is lost while it waits for its turn fails alone', async () => {
    uploads()[1]?.reset();
    await sleep(300);
    expect(await finish(pair.holder, pair.files[0])).toBe(200);
    expect(await finish(pair.waiter, pair.files[1])).toBe(503);
  });

  // `npm test` checks an archive that dies during an upload in stow.trouble.test.ts, with smaller instances.
  if (isLong) {
    it('whose archive connection is lost while it waits, and that of the one before it after that', async () => {
      uploads()[1]?.reset();
      await sleep(300);
      uploads()[0]?.reset();
      expect(await finish(pair.holder, pair.files[0])).toBe(503);
      expect(await finish(pair.waiter, pair.files[1])).toBe(503);
    });

    it('whose archive dies in the middle, with one that waits', async () => {
      await world.orthanc.kill();
      const ends = await Promise.all([
        finish(pair.holder, pair.files[0]),
        finish(pair.waiter, pair.files[1]),
      ]);
      expect(ends).toEqual([503, 503]);
      await world.orthanc.restart();
    });

    it('whose client leaves while it waits', async () => {
      pair.waiter.request.destroy();
      await sleep(300);
      expect(await finish(pair.holder, pair.files[0])).toBe(200);
    });
  }

  it('whose client leaves in the middle gives its turn to the next', async () => {
    pair.holder.request.destroy();
    expect(await finish(pair.waiter, pair.files[1])).toBe(200);
  });
});

if (isLong)
  it('after all these, a large instance is stored', async () => {
    await world.store(sender, [largeFile()]).expect(200);
  });

/** A file of 200 MB that is deflated to 200 KB. */
const bomb = () =>
  makeInstance({
    transferSyntax: TransferSyntax.deflated,
    extra: [element('7FE00010', 'OW', Buffer.alloc(200 * MB))],
  });

// The tests above check the turn itself, with uploads that are large only when they are inflated.
if (isLong)
  it('three instances that inflate to 200 MB, sent at once, cost the archive the memory of one', async () => {
    await world.orthanc.kill();
    await world.orthanc.restart();
    await Promise.all([bomb(), bomb(), bomb()].map((file) => world.store(sender, [file]).expect(200)));
    const status = await readFile(`/proc/${world.orthanc.pid}/status`, 'utf8');
    const [, peak] = /VmHWM:\s+(\d+) kB/.exec(status) ?? [];
    expect(Number(peak) / 1024).toBeLessThan(450);
  });
