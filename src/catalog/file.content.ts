import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { decodeMetaHead, LONG_HEAD, SHORT_HEAD } from '../dicom/element.decoder.js';
import { PREFIX_END } from '../dicom/file.meta.js';
import { UpstreamFailed } from '../problems/errors.js';

/** The content of a file. Two files with equal content are the same instance. */
export interface FileContent {
  /** Transfer Syntax UID (0002,0010) of the file meta information. Empty when missing. */
  readonly transferSyntax: string;
  /** SHA-256 of the data set only, because Orthanc may rewrite the file meta information. */
  readonly sha256: Buffer;
}

/** Longest file meta information. STOW accepts no longer header. */
const LONGEST_META = 4 * 1024 * 1024;
const GROUP_LENGTH = 0x00020000;
const TRANSFER_SYNTAX = 0x00020010;

/** Reads a DICOM file to its end in constant memory. Throws `UpstreamFailed` when its file meta information is too long. */
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

/** The Transfer Syntax UID of a DICOM file, empty when missing. Reads only the beginning of `file`, then destroys it. */
export async function transferSyntaxOf(file: Readable): Promise<string> {
  try {
    return (await startOf(file)).transferSyntax;
  } finally {
    file.destroy();
  }
}

/** Whether two files are the same instance. */
export function isSameContent(one: FileContent, other: FileContent): boolean {
  return one.transferSyntax === other.transferSyntax && one.sha256.equals(other.sha256);
}

interface FileStart {
  readonly transferSyntax: string;
  /** The bytes of the data set that were read. */
  readonly dataSet: Buffer;
}

/** Reads up to the chunk in which the data set starts. */
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

/** The file meta information (group 0002) at the beginning of a file. */
interface FileMetaGroup {
  readonly transferSyntax: string;
  /** The byte at which the data set starts. */
  readonly end: number;
  /** How many bytes of the file are needed to know all of this. */
  readonly needed: number;
}

/**
 * Reads the elements of group 0002 in Explicit VR Little Endian. The group length (0002,0000), which is the first element, says where the
 * group ends, because a deflated data set may look like another element.
 */
function metaGroupOf(start: Buffer): FileMetaGroup {
  const announcedEnd = announcedEndOf(start);
  let transferSyntax = '';
  let needed = Math.max(announcedEnd ?? 0, PREFIX_END + 2);
  let at = PREFIX_END;
  while (at !== announcedEnd && needed <= start.length && start.readUInt16LE(at) === 2) {
    const value = valueAt(start, at);
    if (value.end <= start.length && value.tag === TRANSFER_SYNTAX)
      transferSyntax = start.toString('latin1', value.start, value.end).replace(/[ \0]+$/, '');
    at = value.end;
    needed = Math.max(needed, at === announcedEnd ? at : at + 2);
  }
  return { transferSyntax, end: announcedEnd ?? at, needed };
}

function announcedEndOf(start: Buffer): number | undefined {
  if (start.length < PREFIX_END + 12 || decodeMetaHead(start, PREFIX_END)?.tag !== GROUP_LENGTH)
    return undefined;
  return PREFIX_END + 12 + start.readUInt32LE(PREFIX_END + 8);
}

/** The tag of an element, and where its value begins and ends. If its head is incomplete, all of these are where the head ends. */
function valueAt(bytes: Buffer, at: number): { tag?: number; start: number; end: number } {
  const head = decodeMetaHead(bytes, at);
  if (head === undefined) {
    const headEnd = at + (at + SHORT_HEAD > bytes.length ? SHORT_HEAD : LONG_HEAD);
    return { start: headEnd, end: headEnd };
  }
  const start = at + head.size;
  return { tag: head.tag, start, end: start + head.length };
}

/** A chunk of a stream of bytes. Throws `UpstreamFailed` for anything else. */
export function bytesOf(chunk: unknown): Buffer {
  if (!Buffer.isBuffer(chunk)) throw new UpstreamFailed('reading the content of an instance');
  return chunk;
}
