import { factsOf, IdentityMissing } from '../../src/catalog/instance.facts.js';
import { CATALOG_TAGS } from '../../src/catalog/instance.facts.js';
import { readHeader } from '../../src/dicom/header/header.reader.js';
import { DicomUnreadable } from '../../src/dicom/dicom.unreadable.js';
import { heldBytes } from '../support/held.memory.ts';
import { mutatedFiles } from './dicom.mutations.ts';

/** What reading many mutated files came to. */
export interface Reading {
  readonly read: number;
  readonly refused: number;
  /** The longest that one file kept the processor, in milliseconds. */
  readonly slowestMs: number;
  /** What the process held more at the end than after the first tenth, in bytes, when all that nobody needs is collected. */
  readonly grownBytes: number;
}

const CHUNK = 1000;
const SUSPICIOUS_MS = 50;

/** Reads them all, in chunks; any error but the two that say the file is unreadable is thrown, with the number of its file. */
export async function readMutated(seed: number, count: number): Promise<Reading> {
  let [read, refused, slowestMs, before, at] = [0, 0, 0, 0, 0];
  for (const file of mutatedFiles(seed, count)) {
    if (at === Math.floor(count / 10)) before = heldBytes();
    const name = `file ${at} of seed ${seed}`;
    let { readable, milliseconds } = await timed(file, name);
    if (readable) read += 1;
    else refused += 1;
    // What was slow by a collection or by being compiled is not the next time.
    for (let again = 0; again < 3 && milliseconds > SUSPICIOUS_MS; again += 1)
      milliseconds = Math.min(milliseconds, (await timed(file, name)).milliseconds);
    slowestMs = Math.max(slowestMs, milliseconds);
    at += 1;
  }
  return { read, refused, slowestMs, grownBytes: heldBytes() - before };
}

/** Whether it is readable, and the milliseconds it kept the processor: of this thread alone, since others may have it meanwhile. */
async function timed(file: Buffer, name: string): Promise<{ readable: boolean; milliseconds: number }> {
  const started = process.threadCpuUsage();
  const readable = await isReadable(file, name);
  const { user, system } = process.threadCpuUsage(started);
  return { readable, milliseconds: (user + system) / 1000 };
}

async function isReadable(file: Buffer, name: string): Promise<boolean> {
  try {
    const { header, rest } = await readHeader(chunksOf(file), { tags: CATALOG_TAGS });
    factsOf(header.attributes, header.transferSyntax);
    for await (const _ of rest);
    return true;
  } catch (error) {
    if (error instanceof DicomUnreadable || error instanceof IdentityMissing) return false;
    throw new Error(name, { cause: error });
  }
}

async function* chunksOf(file: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < file.length; at += CHUNK) yield file.subarray(at, at + CHUNK);
}
