import { factsOf, IdentityMissing } from '../../src/catalog/instance.facts.js';
import { CATALOG_TAGS } from '../../src/catalog/instance.facts.js';
import { readHeader } from '../../src/dicomweb/header.reader.js';
import { DicomUnreadable } from '../../src/dicomweb/header.unreadable.js';
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

/** Reads them all, in chunks; any error but the two that say the file is unreadable is thrown, with the number of its file. */
export async function readMutated(seed: number, count: number): Promise<Reading> {
  let [read, refused, slowestMs, before, at] = [0, 0, 0, 0, 0];
  for (const file of mutatedFiles(seed, count)) {
    if (at === Math.floor(count / 10)) before = heldBytes();
    // Of this process alone: others may have the processor meanwhile.
    const started = process.cpuUsage();
    if (await isReadable(file, `file ${at} of seed ${seed}`)) read += 1;
    else refused += 1;
    const { user, system } = process.cpuUsage(started);
    slowestMs = Math.max(slowestMs, (user + system) / 1000);
    at += 1;
  }
  return { read, refused, slowestMs, grownBytes: heldBytes() - before };
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
