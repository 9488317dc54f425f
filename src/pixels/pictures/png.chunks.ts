import { crc32, inflateSync } from 'node:zlib';
import { PixelsRefused } from '../pixels.refused.js';
import { exifOrientation } from './picture.orientation.js';
import { LARGEST_PROFILE } from './opened.picture.js';

/** The header and the parts of a PNG file that are needed to decode it (W3C PNG, third edition). */
export interface PngParts {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colourType: number;
  readonly isInterlaced: boolean;
  readonly palette: Uint8Array;
  readonly transparency: Uint8Array | undefined;
  readonly profile: Uint8Array<ArrayBuffer> | undefined;
  readonly orientation: number;
  readonly compressed: readonly Uint8Array[];
}

const SIGNATURE = '89504e470d0a1a0a';
const HEADER_LENGTH = 13;
const NO_BYTES = new Uint8Array(0);

/** The bit depths of each colour type (§11.2.1). */
const DEPTHS: ReadonlyMap<number, readonly number[]> = new Map([
  [0, [1, 2, 4, 8, 16]],
  [2, [8, 16]],
  [3, [1, 2, 4, 8]],
  [4, [8, 16]],
  [6, [8, 16]],
]);

/** Reads the chunks of a PNG file. Throws `PixelsRefused` when the file is truncated, broken or animated. */
export function pngParts(file: Uint8Array): PngParts {
  if (Buffer.from(file.subarray(0, 8)).toString('hex') !== SIGNATURE) throw broken();
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const first = new Map<string, Uint8Array>();
  const compressed: Uint8Array[] = [];
  for (let at = 8; ;) {
    if (at + 12 > file.length) throw new PixelsRefused('the file ends early');
    const length = view.getUint32(at);
    const end = at + 12 + length;
    if (end > file.length) throw new PixelsRefused('the file ends early');
    if (crc32(file.subarray(at + 4, end - 4)) !== view.getUint32(end - 4))
      throw new PixelsRefused('a checksum is wrong');
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    const body = file.subarray(at + 8, end - 4);
    if (type === 'acTL') throw new PixelsRefused('it is animated');
    if (type === 'IDAT') compressed.push(body);
    else if (!first.has(type)) first.set(type, body);
    if (type === 'IEND') break;
    at = end;
  }
  const orientation = exifOrientation(first.get('eXIf') ?? NO_BYTES);
  return {
    ...headerOf(first.get('IHDR') ?? NO_BYTES),
    palette: first.get('PLTE') ?? NO_BYTES,
    transparency: first.get('tRNS'),
    profile: profileOf(first.get('iCCP') ?? NO_BYTES),
    orientation,
    compressed,
  };
}

function headerOf(
  header: Uint8Array,
): Pick<PngParts, 'width' | 'height' | 'depth' | 'colourType' | 'isInterlaced'> {
  if (header.length !== HEADER_LENGTH) throw broken();
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  const [depth, colourType] = [view.getUint8(8), view.getUint8(9)];
  const interlace = view.getUint8(12);
  const isKnown = DEPTHS.get(colourType)?.includes(depth) === true && interlace <= 1;
  if (!isKnown || view.getUint8(10) !== 0 || view.getUint8(11) !== 0) throw broken();
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  if (width === 0 || height === 0 || width > 0xffff || height > 0xffff)
    throw new PixelsRefused('a side has no pixels or more than 65,535');
  return { width, height, depth, colourType, isInterlaced: interlace === 1 };
}

/** The ICC profile. A broken or too large profile is left out, as a picture is also valid without it. */
function profileOf(chunk: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const nameEnd = chunk.indexOf(0);
  if (nameEnd === -1 || chunk[nameEnd + 1] !== 0) return undefined;
  try {
    const profile = inflateSync(chunk.subarray(nameEnd + 2), { maxOutputLength: LARGEST_PROFILE });
    return Uint8Array.from(profile);
  } catch {
    return undefined;
  }
}

function broken(): PixelsRefused {
  return new PixelsRefused('its header is broken');
}
