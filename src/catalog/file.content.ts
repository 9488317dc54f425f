import { trimEndPadding } from '../dicom/padding.js';
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { decodeMetaHead, LONG_HEAD, SHORT_HEAD } from '../dicom/element.decoder.js';
import { PREFIX_END } from '../dicom/file.meta.js';
import { UpstreamFailed } from '../problems/errors.js';

/** The content of a file. Two files with equal content are the same instance. */
export interface FileContent {
  /** Transfer Syntax UID (0002,0010) of the file meta information. Empty when missing. */
  readonly transferSyntax: string;
  /** SHA-256 of the data set without the file meta information, because Orthanc may rewrite the file meta information. */
  readonly sha256: Buffer;
}

/** Maximum length of the file meta information. STOW has the same limit for the header. */
const LONGEST_META = 4 * 1024 * 1024;
const GROUP_LENGTH = 0x00020000;
const TRANSFER_SYNTAX = 0x00020010;

/** Reads a DICOM file to its end in constant memory. Throws `UpstreamFailed` if the file meta information is too long. */
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

/**
 * Returns the Transfer Syntax UID of a DICOM file, or an empty text if it is missing. Reads only the beginning of `file`, then destroys the
 * stream.
 */
export async function transferSyntaxOf(file: Readable): Promise<string> {
  try {
    return (await startOf(file)).transferSyntax;
  } finally {
    file.destroy();
  }
}

/** Whether two files are the same instance: they have the same transfer syntax and the same data set. */
export function isSameContent(one: FileContent, other: FileContent): boolean {
  return one.transferSyntax === other.transferSyntax && one.sha256.equals(other.sha256);
}

interface FileStart {
  readonly transferSyntax: string;
  /** The part of the data set that was already read. */
  readonly dataSet: Buffer;
}

/** Reads chunks until the start of the data set is known. */
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
  /** The offset of the data set in the file, in bytes. */
  readonly end: number;
  /** The number of bytes that must be read before `transferSyntax` and `end` are final. */
  readonly needed: number;
}

/**
 * Reads the elements of group 0002 in Explicit VR Little Endian. The first element, the group length (0002,0000), gives the end of the
 * group. The bytes of a deflated data set can look like another element of the group, so the tags alone do not show the end.
 */
function metaGroupOf(start: Buffer): FileMetaGroup {
  const announcedEnd = announcedEndOf(start);
  let transferSyntax = '';
  let needed = Math.max(announcedEnd ?? 0, PREFIX_END + 2);
  let at = PREFIX_END;
  while (at !== announcedEnd && needed <= start.length && start.readUInt16LE(at) === 2) {
    const value = valueAt(start, at);
    if (value.end <= start.length && value.tag === TRANSFER_SYNTAX)
      transferSyntax = trimEndPadding(start.toString('latin1', value.start, value.end));
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

/**
 * Returns the tag of an element, and the offsets at which its value begins and ends. If the head of the element is incomplete, both offsets
 * are the end of the head, and the tag is missing.
 */
function valueAt(bytes: Buffer, at: number): { tag?: number; start: number; end: number } {
  const head = decodeMetaHead(bytes, at);
  if (head === undefined) {
    const headEnd = at + (at + SHORT_HEAD > bytes.length ? SHORT_HEAD : LONG_HEAD);
    return { start: headEnd, end: headEnd };
  }
  const start = at + head.size;
  return { tag: head.tag, start, end: start + head.length };
}

/** Returns a chunk of a stream as a Buffer. Throws `UpstreamFailed` if the chunk is not a Buffer. */
export function bytesOf(chunk: unknown): Buffer {
  if (!Buffer.isBuffer(chunk)) throw new UpstreamFailed('reading the content of an instance');
  return chunk;
}
