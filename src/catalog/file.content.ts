import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { isShortForm } from '../dicom/element.head.js';
import { UpstreamFailed } from '../problems/errors.js';

/** What sameness means (contract.md): two files with equal content are the same instance. */
export interface FileContent {
  /** Transfer Syntax UID (0002,0010) of the file meta information; empty when it has none. */
  readonly transferSyntax: string;
  /** SHA-256 of the data set after the file meta information, since the archive may rewrite what stands before it. */
  readonly sha256: Buffer;
}

/** Preamble and `DICM` (PS3.10 §7.1). */
const PREFIX = 132;
/** File meta information that is longer is not read; STOW reads no longer header. */
const LONGEST_META = 4 * 1024 * 1024;
/** (0002,0000) as the first four bytes of an element, and the element number of (0002,0010). */
const GROUP_LENGTH = 2;
const TRANSFER_SYNTAX = 0x10;
/** Reads a DICOM file to its end; memory does not grow with it. Throws `UpstreamFailed` when its meta information is too long. */
export async function contentOf(file: Readable): Promise<FileContent> {
  const hash = createHash('sha256');
  try {
    const start = await startOf(file);
    hash.update(start.dataSet);
    for await (const chunk of file) hash.update(bytesOf(chunk));
    return { transferSyntax: start.transferSyntax, sha256: hash.digest() };
  } finally {
    file.destroy();
  }
}

/** The Transfer Syntax UID of a DICOM file; empty without one. Reads only the beginning of `file`, then destroys it. */
export async function transferSyntaxOf(file: Readable): Promise<string> {
  try {
    return (await startOf(file)).transferSyntax;
  } finally {
    file.destroy();
  }
}

/** Whether both are the same instance. */
export function isSameContent(one: FileContent, other: FileContent): boolean {
  return one.transferSyntax === other.transferSyntax && one.sha256.equals(other.sha256);
}

interface FileStart {
  readonly transferSyntax: string;
  /** What was read of the data set. */
  readonly dataSet: Buffer;
}

/** Reads no further than the chunk in which the data set starts. */
async function startOf(file: Readable): Promise<FileStart> {
  const pieces: Buffer[] = [];
  let size = 0;
  let meta = metaGroupOf(Buffer.alloc(0));
  for await (const chunk of file.iterator({ destroyOnReturn: false })) {
    const piece = bytesOf(chunk);
    pieces.push(piece);
    size += piece.length;
    if (size < meta.needed) continue;
    const head = Buffer.concat(pieces.splice(0));
    pieces.push(head);
    meta = metaGroupOf(head);
    if (meta.needed > LONGEST_META) throw new UpstreamFailed('reading the content of an instance');
    if (meta.needed <= size) break;
  }
  const { transferSyntax, end } = meta;
  return { transferSyntax, dataSet: Buffer.concat(pieces).subarray(end) };
}

/** Group 0002 of the beginning of a file. */
interface FileMetaGroup {
  readonly transferSyntax: string;
  /** The byte at which the data set starts. */
  readonly end: number;
  /** How many bytes of the file tell all of this. */
  readonly needed: number;
}

/**
 * Walks the elements of group 0002, which are Explicit VR Little Endian. The group length (0002,0000), which comes first, says where it
 * ends: a deflated data set may look like one more element.
 */
function metaGroupOf(head: Buffer): FileMetaGroup {
  const announced = announcedEnd(head);
  let transferSyntax = '';
  let needed = Math.max(announced ?? 0, PREFIX + 2);
  let at = PREFIX;
  while (at !== announced && needed <= head.length && head.readUInt16LE(at) === 2) {
    const value = valueAt(head, at);
    if (value.end <= head.length && head.readUInt16LE(at + 2) === TRANSFER_SYNTAX)
      transferSyntax = head.toString('latin1', value.start, value.end).replace(/[ \0]+$/, '');
    at = value.end;
    needed = Math.max(needed, at === announced ? at : at + 2);
  }
  return { transferSyntax, end: announced ?? at, needed };
}

function announcedEnd(head: Buffer): number | undefined {
  if (head.length < PREFIX + 12 || head.readUInt32LE(PREFIX) !== GROUP_LENGTH) return undefined;
  return PREFIX + 12 + head.readUInt32LE(PREFIX + 8);
}

/** Where a value begins and ends; when not all of the element's head is there, where that ends. */
function valueAt(head: Buffer, at: number): { start: number; end: number } {
  if (at + 8 > head.length) return { start: at + 8, end: at + 8 };
  const isShort = isShortForm(head.toString('latin1', at + 4, at + 6));
  const start = at + (isShort ? 8 : 12);
  if (start > head.length) return { start, end: start };
  return { start, end: start + (isShort ? head.readUInt16LE(at + 6) : head.readUInt32LE(at + 8)) };
}

/** A chunk of a stream of bytes. Throws `UpstreamFailed` for anything else. */
export function bytesOf(chunk: unknown): Buffer {
  if (!Buffer.isBuffer(chunk)) throw new UpstreamFailed('reading the content of an instance');
  return chunk;
}
