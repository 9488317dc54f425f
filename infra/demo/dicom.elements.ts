import { createHash, randomUUID } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';

/**
 * The value of an element: text (UTF-8), numbers of its VR, raw bytes, the items of a sequence, or the fragments of encapsulated pixel
 * data.
 */
export type DicomValue =
  string | readonly number[] | Buffer | { items: DicomElement[][] } | { fragments: readonly Buffer[] };

/** One data element. The tag has eight hexadecimal digits. */
export interface DicomElement {
  tag: string;
  vr: string;
  value: DicomValue;
}

/** The transfer syntaxes with an encoding of their own. The writer encodes all other transfer syntaxes in explicit VR little endian. */
export const TransferSyntax = {
  implicitLittle: '1.2.840.10008.1.2',
  explicitLittle: '1.2.840.10008.1.2.1',
  deflated: '1.2.840.10008.1.2.1.99',
  explicitBig: '1.2.840.10008.1.2.2',
  rle: '1.2.840.10008.1.2.5',
} as const;

const UNDEFINED_LENGTH = 0xffffffff;
const LONG_FORM = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);
const ZERO_PADDED = new Set(['UI', 'OB', 'UN']);

const NUMBER_WIDTH: Record<string, number> = { US: 2, SS: 2, OW: 2, AT: 4, UL: 4, SL: 4, FL: 4, FD: 8 };

interface Encoding {
  implicit: boolean;
  big: boolean;
}

/** Derives a UID under 2.25 (PS3.5 §B.2) from a name. The same name always gives the same UID. */
export function uidFor(name: string): string {
  return uuidToUid(createHash('sha256').update(name).digest('hex').slice(0, 32));
}

/** Returns a new random UID under 2.25. */
export function freshUid(): string {
  return uuidToUid(randomUUID().replaceAll('-', ''));
}

function uuidToUid(hex: string): string {
  return `2.25.${BigInt(`0x${hex}`).toString()}`;
}

/** Encodes a data set (PS3.5 §7). Sorts its elements by tag. In big endian, numbers are swapped and raw bytes are not. */
export function encodeDataset(elements: readonly DicomElement[], transferSyntax: string): Buffer {
  const encoding = {
    implicit: transferSyntax === TransferSyntax.implicitLittle,
    big: transferSyntax === TransferSyntax.explicitBig,
  };
  const dataset = encodeElements(elements, encoding);
  return transferSyntax === TransferSyntax.deflated ? even(deflateRawSync(dataset), 0) : dataset;
}

function encodeElements(elements: readonly DicomElement[], encoding: Encoding): Buffer {
  const sorted = [...elements].sort((a, b) => (a.tag < b.tag ? -1 : 1));
  return Buffer.concat(sorted.map((element) => encodeElement(element, encoding)));
}

function encodeElement({ tag, vr, value }: DicomElement, encoding: Encoding): Buffer {
  if (typeof value === 'object' && 'fragments' in value) {
    return Buffer.concat([
      head(tag, vr, UNDEFINED_LENGTH, encoding),
      ...encapsulated(value.fragments, encoding),
    ]);
  }
  const bytes = valueBytes(vr, value, encoding);
  return Buffer.concat([head(tag, vr, bytes.length, encoding), bytes]);
}

function valueBytes(
  vr: string,
  value: Exclude<DicomValue, { fragments: readonly Buffer[] }>,
  encoding: Encoding,
): Buffer {
  if (typeof value === 'string') return even(Buffer.from(value, 'utf8'), ZERO_PADDED.has(vr) ? 0 : 0x20);
  if (Buffer.isBuffer(value)) return even(value, ZERO_PADDED.has(vr) || vr === 'OW' ? 0 : 0x20);
  if ('items' in value) return Buffer.concat(value.items.map((item) => encodeItem(item, encoding)));
  return numberBytes(vr, value, encoding.big);
}

function encodeItem(elements: readonly DicomElement[], encoding: Encoding): Buffer {
  const bytes = encodeElements(elements, encoding);
  return Buffer.concat([bare('FFFEE000', bytes.length, encoding.big), bytes]);
}

/** Encapsulates fragments (PS3.5 §A.4): an empty Basic Offset Table, the fragments, and a delimiter. */
function encapsulated(fragments: readonly Buffer[], { big }: Encoding): Buffer[] {
  const items = fragments.flatMap((fragment) => {
    const padded = even(fragment, 0);
    return [bare('FFFEE000', padded.length, big), padded];
  });
  return [bare('FFFEE000', 0, big), ...items, bare('FFFEE0DD', 0, big)];
}

function head(tag: string, vr: string, length: number, encoding: Encoding): Buffer {
  if (encoding.implicit) return bare(tag, length, false);
  const long = LONG_FORM.has(vr);
  const bytes = Buffer.alloc(long ? 12 : 8);
  writeTag(bytes, tag, encoding.big);
  bytes.write(vr, 4, 'latin1');
  if (long) writeNumber(bytes, 8, 'UL', length, encoding.big);
  else writeNumber(bytes, 6, 'US', length, encoding.big);
  return bytes;
}

function bare(tag: string, length: number, big: boolean): Buffer {
  const bytes = Buffer.alloc(8);
  writeTag(bytes, tag, big);
  writeNumber(bytes, 4, 'UL', length, big);
  return bytes;
}

function writeTag(bytes: Buffer, tag: string, big: boolean): void {
  writeNumber(bytes, 0, 'US', Number.parseInt(tag.slice(0, 4), 16), big);
  writeNumber(bytes, 2, 'US', Number.parseInt(tag.slice(4), 16), big);
}

function numberBytes(vr: string, values: readonly number[], big: boolean): Buffer {
  const width = NUMBER_WIDTH[vr];
  if (width === undefined) return even(Buffer.from(values.map(String).join('\\')), 0x20);
  const bytes = Buffer.alloc(width * values.length);
  values.forEach((value, index) => writeNumber(bytes, index * width, vr, value, big));
  return bytes;
}

function writeNumber(bytes: Buffer, at: number, vr: string, value: number, big: boolean): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (vr === 'FL') view.setFloat32(at, value, !big);
  else if (vr === 'FD') view.setFloat64(at, value, !big);
  else if (vr === 'SS' || vr === 'US' || vr === 'OW') view.setUint16(at, value, !big);
  else if (vr === 'SL' || vr === 'UL') view.setUint32(at, value, !big);
  else {
    view.setUint16(at, value >>> 16, !big);
    view.setUint16(at + 2, value, !big);
  }
}

function even(bytes: Buffer, padding: number): Buffer {
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.of(padding)]);
}
