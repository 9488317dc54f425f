import { trimEndPadding } from './padding.js';
import { DicomUnreadable } from './dicom.unreadable.js';
import { decodeMetaHead, LONG_HEAD, SHORT_HEAD } from './element.decoder.js';
import type { HeaderBytes } from './header/header.bytes.js';

/** The file meta information. A missing UID is an empty string. */
export interface FileMeta {
  readonly transferSyntax: string;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  /** Offset of the data set in the file, in bytes. */
  readonly datasetOffset: number;
}

/** Deflated Explicit VR Little Endian (PS3.5 §A.5). */
export const DEFLATED = '1.2.840.10008.1.2.1.99';

/** Offset at which the preamble and the prefix `DICM` end (PS3.10 §7.1). */
export const PREFIX_END = 132;
const PREAMBLE_END = 128;
const GROUP_LENGTH = 0;
const SOP_CLASS = 2;
const SOP_INSTANCE = 3;
const TRANSFER_SYNTAX = 0x10;

/**
 * Reads preamble, prefix and file meta information (PS3.10 §7.1) in Explicit VR Little Endian. The group length is optional. Throws
 * `DicomUnreadable` when the group length is wrong, because all readers of the file must agree on where the data set starts.
 */
export async function readMeta(source: HeaderBytes): Promise<FileMeta> {
  if (
    !(await source.reach(PREFIX_END)) ||
    source.bytes.toString('latin1', PREAMBLE_END, PREFIX_END) !== 'DICM'
  ) {
    throw new DicomUnreadable('not-dicom', 'no DICOM prefix');
  }
  const values = new Map<number, Buffer>();
  let end: number | undefined;
  let at = PREFIX_END;
  while (at !== end && (await source.reach(at + 4)) && source.bytes.readUInt16LE(at) === 2) {
    const element = source.bytes.readUInt16LE(at + 2);
    const value = await readValue(source, at);
    if (values.has(element)) throw new DicomUnreadable('meta', 'file meta information has an element twice');
    values.set(element, value.bytes);
    at = value.end;
    if (element === GROUP_LENGTH && value.bytes.length === 4) end = at + value.bytes.readUInt32LE(0);
  }
  const text = (element: number) => trimEndPadding(values.get(element)?.toString('latin1') ?? '');
  const transferSyntax = text(TRANSFER_SYNTAX);
  if (transferSyntax === '') throw new DicomUnreadable('meta', 'no transfer syntax');
  // Without a group length, the file meta information ends at the first element of another group. This is not reliable for a deflated file,
  // because deflated bytes can look like group 0002.
  if (end === undefined ? transferSyntax === DEFLATED : at !== end) {
    throw new DicomUnreadable('meta', 'the length of the file meta information is wrong');
  }
  return {
    transferSyntax,
    sopClassUid: text(SOP_CLASS),
    sopInstanceUid: text(SOP_INSTANCE),
    datasetOffset: at,
  };
}

async function readValue(source: HeaderBytes, at: number): Promise<{ bytes: Buffer; end: number }> {
  await need(source, at + SHORT_HEAD);
  let head = decodeMetaHead(source.bytes, at);
  if (head === undefined) {
    await need(source, at + LONG_HEAD);
    head = decodeMetaHead(source.bytes, at);
  }
  if (head === undefined) throw truncated();
  const start = at + head.size;
  const end = start + head.length;
  await need(source, end);
  return { bytes: source.bytes.subarray(start, end), end };
}

async function need(source: HeaderBytes, length: number): Promise<void> {
  if (!(await source.reach(length))) throw truncated();
}

function truncated(): DicomUnreadable {
  return new DicomUnreadable('truncated', 'the file ends inside its header');
}
