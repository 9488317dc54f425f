import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { UpstreamFailed } from '../problems/errors.js';

/** Preamble and `DICM` (PS3.10 §7.1). */
const PREFIX = 132;
const MAX_META = 64 * 1024;
const LONG_VRS = new Set(['OB', 'OW', 'OF', 'OD', 'OL', 'OV', 'SQ', 'UC', 'UN', 'UR', 'UT', 'SV', 'UV']);

/**
 * SHA-256 of the data set after the file meta information of a DICOM file: what sameness means (contract.md), since the archive
 * may rewrite what stands before it. Memory does not grow with the file.
 */
export async function hashContent(file: Readable): Promise<Buffer> {
  const hash = createHash('sha256');
  let head = Buffer.alloc(0);
  let found = false;
  for await (const chunk of file) {
    if (!Buffer.isBuffer(chunk)) throw new UpstreamFailed('hashing an instance');
    if (found) {
      hash.update(chunk);
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const offset = dataSetOffset(head);
    if (offset !== undefined) {
      hash.update(head.subarray(offset));
      found = true;
    } else if (head.length > MAX_META) throw new UpstreamFailed('hashing an instance');
  }
  if (!found) hash.update(head.subarray(metaEnd(head)));
  return hash.digest();
}

/** Where group 0002 ends, once that can be seen; `undefined` while more bytes are needed. */
function dataSetOffset(head: Buffer): number | undefined {
  const end = metaEnd(head);
  if (end + 2 > head.length) return undefined;
  return end === announcedEnd(head) || head.readUInt16LE(end) !== 0x0002 ? end : undefined;
}

/** What the group length (0002,0000) says, which comes first: a deflated data set may look like one more element. */
function announcedEnd(head: Buffer): number | undefined {
  const isLength = head.length >= PREFIX + 12 && head.readUInt32LE(PREFIX) === 0x0000_0002;
  return isLength ? PREFIX + 12 + head.readUInt32LE(PREFIX + 8) : undefined;
}

/** Walks the elements of group 0002, which are always explicit little endian. */
function metaEnd(head: Buffer): number {
  const announced = announcedEnd(head);
  if (announced !== undefined) return announced;
  let at = PREFIX;
  while (at + 12 <= head.length && head.readUInt16LE(at) === 0x0002) {
    const long = LONG_VRS.has(head.toString('latin1', at + 4, at + 6));
    at += long ? 12 + head.readUInt32LE(at + 8) : 8 + head.readUInt16LE(at + 6);
  }
  return at;
}
