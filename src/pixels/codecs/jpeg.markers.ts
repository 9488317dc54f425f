import { PixelsRefused } from '../pixels.refused.js';

/** The frame header of a JPEG or JPEG-LS stream (ISO/IEC 10918-1 §B.2.2, ISO/IEC 14495-1 §C.2.2). */
export interface JpegFrameHeader {
  /** The second byte of the marker, such as 0xC0 (baseline) or 0xF7 (JPEG-LS). */
  readonly marker: number;
  readonly precision: number;
  readonly rows: number;
  readonly columns: number;
  readonly components: number;
  /** The sampling factors of the components, from 0 to 15. */
  readonly sampling: readonly { readonly across: number; readonly down: number }[];
  /** Whether a JFIF or Adobe marker segment says which colours the stream contains. */
  readonly namesColours: boolean;
  /** Whether the Adobe marker segment or, without such a segment, the component identifiers say that the colours are RGB. */
  readonly isRgb: boolean;
}

const START_OF_IMAGE = 0xffd8;
const JFIF = 0xe0;
const ADOBE = 0xee;
/** The application segments that tell the colours, and the texts with which they begin. */
const COLOUR_SEGMENTS: ReadonlyMap<number, string> = new Map([
  [JFIF, 'JFIF'],
  [ADOBE, 'Adobe'],
]);
/** The position of the colour transformation in an Adobe marker segment (ISO/IEC 10918-6 §6.5.3). */
const TRANSFORM = 15;
/** The component identifiers of untransformed colours: the letters R, G and B. */
const RGB_IDENTIFIERS = '82,71,66';
const START_OF_SCAN = 0xda;
/** JPEG-LS preset parameters. Their type 4 contains another size of the image. */
const PRESETS = 0xf8;
const OTHER_SIZE = 4;

/** The markers of frame headers of all processes. 0xC4, 0xC8 and 0xCC are other markers. */
export const FRAME_HEADERS = new Set([
  0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf, 0xf7,
]);

/**
 * Reads the only frame header before the first scan. Throws `PixelsRefused` when the stream has no such header, or when its marker segments
 * are broken.
 */
export function jpegFrameHeader(stream: Uint8Array): JpegFrameHeader {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length);
  const word = (at: number) => {
    if (at + 2 > stream.length) throw broken();
    return view.getUint16(at);
  };
  if (word(0) !== START_OF_IMAGE) throw broken();
  let found: (Omit<JpegFrameHeader, 'namesColours' | 'isRgb'> & { readonly identifiers: string }) | undefined;
  const named = new Map<number, number>();
  for (let at = 2; ;) {
    if (stream[at] !== 0xff) throw broken();
    const marker = stream[at + 1] ?? 0;
    // Fill bytes can precede a marker.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const length = word(at + 2);
    if (length < 2 || at + 2 + length > stream.length) throw broken();
    if (marker === START_OF_SCAN) break;
    if (marker === PRESETS && stream[at + 4] === OTHER_SIZE) throw broken();
    const name = COLOUR_SEGMENTS.get(marker);
    if (name !== undefined && textAt(stream, at + 4, name.length) === name)
      named.set(marker, stream[at + TRANSFORM] ?? 0);
    if (FRAME_HEADERS.has(marker)) {
      if (found !== undefined || length < 8) throw broken();
      found = {
        marker,
        precision: stream[at + 4] ?? 0,
        rows: word(at + 5),
        columns: word(at + 7),
        components: stream[at + 9] ?? 0,
        ...componentsOf(stream.subarray(at + 10, at + 2 + length)),
      };
    }
    at += 2 + length;
  }
  if (found === undefined) throw broken();
  const { identifiers, ...header } = found;
  const isRgb =
    named.size === 0 ? identifiers === RGB_IDENTIFIERS : !named.has(JFIF) && named.get(ADOBE) === 0;
  return { ...header, namesColours: named.size > 0, isRgb };
}

/** Reads the components of a frame header. */
function componentsOf(
  segment: Uint8Array,
): Pick<JpegFrameHeader, 'sampling'> & { readonly identifiers: string } {
  const each = Array.from({ length: Math.floor(segment.length / 3) }, (_, at) => segment.subarray(at * 3));
  return {
    sampling: each.map(([, factors = 0]) => ({ across: factors >> 4, down: factors & 15 })),
    identifiers: each.map(([identifier]) => identifier).join(','),
  };
}

function textAt(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

function broken(): PixelsRefused {
  return new PixelsRefused('the headers of the compressed pixels are broken');
}
