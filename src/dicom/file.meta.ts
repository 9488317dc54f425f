import type { HeaderBytes } from './header/header.bytes.js';
import { isShortForm } from './element.head.js';
import { DicomUnreadable } from './dicom.unreadable.js';

/** What the file meta information says; a UID it does not have is empty. */
export interface FileMeta {
  transferSyntax: string;
  sopClassUid: string;
  sopInstanceUid: string;
  /** The byte of the file at which the data set starts. */
  datasetOffset: number;
}

/** Deflated explicit VR little endian (PS3.5 §A.5). */
export const DEFLATED = '1.2.840.10008.1.2.1.99';

const START = 132;
const GROUP_LENGTH = 0;
const SOP_CLASS = 2;
const SOP_INSTANCE = 3;
const TRANSFER_SYNTAX = 0x10;

/**
 * Reads preamble, prefix and file meta information (PS3.10 §7.1), explicit VR little endian. Its group length, where there is one,
 * must be right: it says where the data set starts, and no two readers may see that differently.
 */
export async function readMeta(source: HeaderBytes): Promise<FileMeta> {
  if (!(await source.reach(START)) || source.bytes.toString('latin1', 128, START) !== 'DICM') {
    throw new DicomUnreadable('not-dicom', 'no DICOM prefix');
  }
  const values = new Map<number, Buffer>();
  let end: number | undefined;
  let at = START;
  while (at !== end && (await source.reach(at + 4)) && source.bytes.readUInt16LE(at) === 2) {
    const element = source.bytes.readUInt16LE(at + 2);
    const value = await readValue(source, at);
    if (values.has(element)) throw new DicomUnreadable('meta', 'file meta information has an element twice');
    values.set(element, value.bytes);
    at = value.end;
    if (element === GROUP_LENGTH && value.bytes.length === 4) end = at + value.bytes.readUInt32LE(0);
  }
  const text = (element: number) => (values.get(element)?.toString('latin1') ?? '').replace(/[ \0]+$/, '');
  const transferSyntax = text(TRANSFER_SYNTAX);
  if (transferSyntax === '') throw new DicomUnreadable('meta', 'no transfer syntax');
  // Without a length nothing but the group tells the data set apart, which deflated bytes might have by chance.
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
  await need(source, at + 8);
  const short = isShortForm(source.bytes.toString('latin1', at + 4, at + 6));
  const start = at + (short ? 8 : 12);
  await need(source, start);
  const end = start + (short ? source.bytes.readUInt16LE(at + 6) : source.bytes.readUInt32LE(at + 8));
  await need(source, end);
  return { bytes: source.bytes.subarray(start, end), end };
}

async function need(source: HeaderBytes, length: number): Promise<void> {
  if (!(await source.reach(length)))
    throw new DicomUnreadable('truncated', 'the file ends inside its header');
}
