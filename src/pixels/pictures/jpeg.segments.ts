import { PixelsRefused } from '../pixels.refused.js';
import { exifOrientation } from './picture.orientation.js';
import { LARGEST_PROFILE } from './opened.picture.js';

/** The parts of a JPEG file (ISO/IEC 10918-1 annex B). */
export interface JpegParts {
  /** The stream without Exif, XMP, IPTC, comments, previews and bytes after its end. The compressed pixels are unchanged. */
  readonly stream: Uint8Array<ArrayBuffer>;
  readonly orientation: number;
  readonly profile: Uint8Array<ArrayBuffer> | undefined;
  readonly isRgb: boolean;
  readonly notes: readonly string[];
}

const [SOI, EOI, SOS] = [0xd8, 0xd9, 0xda];
const [APP0, APP1, APP2, APP14, APP15, COMMENT] = [0xe0, 0xe1, 0xe2, 0xee, 0xef, 0xfe];
const START_OF_FRAME = new Set([
  0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf,
]);
const PROFILE = 'ICC_PROFILE\0';
const EXIF = 'Exif\0\0';

/** Divides a JPEG file into its parts. Throws `PixelsRefused` when the file is truncated or its segments are broken. */
export function jpegParts(file: Uint8Array): JpegParts {
  if (file[0] !== 0xff || file[1] !== SOI) throw broken();
  const kept: Uint8Array[] = [file.subarray(0, 2)];
  const profiles = new Map<number, Uint8Array>();
  let [orientation, removed, hasJfif, adobe] = [1, 0, false, -1];
  let ids: readonly number[] = [];
  let at = 2;
  for (;;) {
    const { marker, start, end } = segmentAt(file, at);
    const body = file.subarray(start + 4, end);
    if (marker === EOI) break;
    if (marker === APP0 && begins(body, 'JFIF')) hasJfif = true;
    if (marker === APP14 && begins(body, 'Adobe')) adobe = body[11] ?? -1;
    if (marker === APP1 && begins(body, EXIF)) orientation = exifOrientation(body.subarray(EXIF.length));
    if (marker === APP2 && begins(body, PROFILE)) profiles.set(body[PROFILE.length] ?? 0, body.subarray(14));
    if (START_OF_FRAME.has(marker)) ids = idsOf(body);
    if (isDropped(marker, body)) removed += 1;
    else kept.push(file.subarray(start, end));
    at = end;
    if (marker !== SOS) continue;
    const next = scanEnd(file, at);
    kept.push(file.subarray(at, next));
    at = next;
  }
  kept.push(Uint8Array.of(0xff, EOI));
  const isNamedRgb = String.fromCharCode(...ids) === 'RGB';
  const isRgb = !hasJfif && (adobe === 0 || (adobe === -1 && isNamedRgb));
  const notes = removed === 0 ? [] : [`Removed ${removed} segments with metadata of the picture file.`];
  return { stream: joined(kept), orientation, profile: profileOf(profiles), isRgb, notes };
}

/** The segment at `at`. Fill bytes before it are skipped. Markers without a length have no body. */
function segmentAt(file: Uint8Array, at: number): { marker: number; start: number; end: number } {
  let start = at;
  while (file[start] === 0xff && file[start + 1] === 0xff) start += 1;
  const marker = file[start + 1];
  if (file[start] !== 0xff || marker === undefined || marker === 0 || marker === SOI) throw broken();
  if (marker === EOI) return { marker, start, end: start + 2 };
  const length = (file[start + 2] ?? 0) * 256 + (file[start + 3] ?? 0);
  const end = start + 2 + length;
  if (length < 2 || end > file.length) throw broken();
  return { marker, start, end };
}

/** The offset of the first marker after the compressed pixels of a scan. Restart markers belong to the scan. */
function scanEnd(file: Uint8Array, from: number): number {
  for (let at = file.indexOf(0xff, from); at !== -1; at = file.indexOf(0xff, at + 1)) {
    const marker = file[at + 1];
    if (marker === undefined) break;
    if (marker === 0 || marker === 0xff || (marker >= 0xd0 && marker <= 0xd7)) continue;
    return at;
  }
  throw new PixelsRefused('the file ends inside its pixels');
}

/** Whether a segment has only metadata. JFIF and Adobe segments tell the colours, so they are kept. */
function isDropped(marker: number, body: Uint8Array): boolean {
  if (marker === COMMENT) return true;
  if (marker < APP0 || marker > APP15) return false;
  return !(marker === APP0 && begins(body, 'JFIF')) && !(marker === APP14 && begins(body, 'Adobe'));
}

function idsOf(body: Uint8Array): number[] {
  const count = body[5] ?? 0;
  return Array.from({ length: count }, (_, index) => body[6 + index * 3] ?? 0);
}

/** The profile from its numbered parts (ICC.1 §B.4). An incomplete profile is left out. */
function profileOf(parts: ReadonlyMap<number, Uint8Array>): Uint8Array<ArrayBuffer> | undefined {
  const ordered = Array.from({ length: parts.size }, (_, index) => parts.get(index + 1));
  const found = ordered.flatMap((part) => (part === undefined ? [] : [part]));
  if (found.length === 0 || found.length !== parts.size) return undefined;
  const whole = joined(found);
  return whole.length > LARGEST_PROFILE ? undefined : whole;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function begins(bytes: Uint8Array, text: string): boolean {
  return bytes.length >= text.length && text === String.fromCharCode(...bytes.subarray(0, text.length));
}

function broken(): PixelsRefused {
  return new PixelsRefused('its segments are broken or end early');
}
