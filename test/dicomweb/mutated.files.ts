import { factsOf, IdentityMissing } from '../../src/catalog/instance.facts.js';
import { CATALOG_TAGS } from '../../src/catalog/instance.facts.js';
import { readHeader } from '../../src/dicom/header/header.reader.js';
import { DicomUnreadable } from '../../src/dicom/dicom.unreadable.js';
import { heldBytes } from '../support/held.memory.ts';
import { mutatedFiles } from './dicom.mutations.ts';

/** The result of reading many mutated files. */
export interface Reading {
  readonly read: number;
  readonly refused: number;
  /** The longest processor time in milliseconds that one file took. */
  readonly slowestMs: number;
  /** The growth of memory in bytes after the first tenth of the files, measured after garbage collection. */
  readonly grownBytes: number;
}

const CHUNK = 1000;
const SUSPICIOUS_MS = 50;

/** Reads all files in chunks. Any error except the two errors for unreadable files is thrown with the number of the file. */
export async function readMutated(seed: number, count: number): Promise<Reading> {
  let [read, refused, slowestMs, before, at] = [0, 0, 0, 0, 0];
  for (const file of mutatedFiles(seed, count)) {
    if (at === Math.floor(count / 10)) before = heldBytes();
    const name = `file ${at} of seed ${seed}`;
    let { readable, milliseconds } = await timed(file, name);
    if (readable) read += 1;
    else refused += 1;
    // A slow file is read again. If garbage collection or compilation caused the delay, the file is then fast.
    for (let again = 0; again < 3 && milliseconds > SUSPICIOUS_MS; again += 1)
      milliseconds = Math.min(milliseconds, (await timed(file, name)).milliseconds);
    slowestMs = Math.max(slowestMs, milliseconds);
    at += 1;
  }
  return { read, refused, slowestMs, grownBytes: heldBytes() - before };
}

/** Whether the file is readable, and the processor time of this thread in milliseconds. */
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
