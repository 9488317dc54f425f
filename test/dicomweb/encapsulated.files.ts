import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';

/** Image code streams with the start and end markers of their compression. The payload of such a stream cannot contain a marker. */
export const codings = {
  jpeg: { begin: 'ffd8ffe0', end: 'ffd9' },
  jpegLs: { begin: 'ffd8fff7', end: 'ffd9' },
  jpeg2000: { begin: 'ff4fff51', end: 'ffd9' },
  jp2: { begin: '0000000c6a502020', end: 'ffd9' },
  rle: { begin: `0100000040000000${'00'.repeat(56)}`, end: '' },
  unknown: { begin: '1234', end: '' },
} as const;
export type CodingName = keyof typeof codings;

/** An image with `payload` bytes of payload. All these bytes have a value that depends on `seed`. */
export function image(coding: CodingName, seed: number, payload: number): Buffer {
  const { begin, end } = codings[coding];
  const bytes = Buffer.alloc(payload, seed + 1);
  return Buffer.concat([Buffer.from(begin, 'hex'), bytes, Buffer.from(end, 'hex')]);
}

/** Splits bytes into pieces. All pieces except the last have an even length. */
export function pieces(bytes: Buffer, count: number): Buffer[] {
  const size = Math.floor(bytes.length / count / 2) * 2;
  return Array.from({ length: count }, (_, at) =>
    bytes.subarray(at * size, at === count - 1 ? bytes.length : (at + 1) * size),
  );
}

/** The offset tables and NumberOfFrames of a file with fragments. */
export interface Tables {
  readonly frames: number;
  readonly basic?: readonly number[];
  readonly extended?: readonly number[];
  readonly lengths?: readonly number[];
}

/** A file with these fragments and these offset tables. Each fragment is padded to an even length. */
export function encapsulatedFile(
  uids: { studyUid: string; seriesUid: string; sopUid: string },
  transferSyntax: string,
  fragments: readonly Buffer[],
  { frames, basic = [], extended, lengths }: Tables,
): Buffer {
  const file = makeInstance({
    ...uids,
    patientId: 'ENC-1',
    modality: 'OT',
    sopClassUid: '1.2.840.10008.5.1.4.1.1.7.2',
    frames: 0,
    transferSyntax,
    extra: [
      element('00280002', 'US', [1]),
      element('00280004', 'CS', 'MONOCHROME2'),
      element('00280008', 'IS', String(frames)),
      element('00280010', 'US', [16]),
      element('00280011', 'US', [16]),
      element('00280100', 'US', [8]),
      element('00280101', 'US', [8]),
      element('00280102', 'US', [7]),
      element('00280103', 'US', [0]),
      ...(extended === undefined ? [] : [element('7FE00001', 'OV', longs(extended))]),
      ...(lengths === undefined ? [] : [element('7FE00002', 'OV', longs(lengths))]),
    ],
  });
  const table = Buffer.alloc(basic.length * 4);
  basic.forEach((offset, at) => table.writeUInt32LE(offset, at * 4));
  const items = [table, ...fragments.map(even)].flatMap((bytes) => [item(0xe000, bytes.length), bytes]);
  const head = Buffer.from('e07f10004f420000ffffffff', 'hex');
  return Buffer.concat([file, head, ...items, item(0xe0dd, 0)]);
}

/** The bytes, padded to an even length like a fragment. */
export function even(bytes: Buffer): Buffer {
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.of(0)]);
}

/** The offset of each fragment's item, relative to the item of the first fragment. */
export function offsetsOf(fragments: readonly Buffer[]): number[] {
  let at = 0;
  return fragments.map((fragment) => {
    const offset = at;
    at += 8 + even(fragment).length;
    return offset;
  });
}

function item(element_: number, length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(0xfffe, 0);
  bytes.writeUInt16LE(element_, 2);
  bytes.writeUInt32LE(length, 4);
  return bytes;
}

function longs(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8);
  values.forEach((value, at) => bytes.writeBigUInt64LE(BigInt(value), at * 8));
  return bytes;
}
