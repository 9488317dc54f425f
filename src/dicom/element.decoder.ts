import { DicomUnreadable } from './dicom.unreadable.js';

/** How the elements of a data set are encoded (PS3.5 §7.1, §7.3). */
export interface Encoding {
  readonly implicit: boolean;
  readonly big: boolean;
}

/** The head of an element, item or delimiter. */
export interface ElementHead {
  readonly tag: number;
  /** Empty in implicit VR, and for items and delimiters. */
  readonly vr: string;
  /** Length of the value as it is encoded. It can be {@link UNDEFINED_LENGTH}. */
  readonly length: number;
  /** Size of the head itself in bytes: 8 or 12. */
  readonly size: number;
}

export const ITEM = 0xfffee000;
export const ITEM_END = 0xfffee00d;
export const SEQUENCE_END = 0xfffee0dd;
export const PIXEL_DATA = 0x7fe00010;
export const UNDEFINED_LENGTH = 0xffffffff;

export const EXPLICIT_LITTLE: Encoding = { implicit: false, big: false };
export const IMPLICIT_LITTLE: Encoding = { implicit: true, big: false };
const EXPLICIT_BIG: Encoding = { implicit: false, big: true };

/** Sizes of a head in bytes (PS3.5 §7.1.2). A head is short if it has no VR or has a 16-bit length. All other heads are long. */
export const SHORT_HEAD = 8;
export const LONG_HEAD = 12;

/** Largest nesting depth of sequences in an instance that STOW accepts. */
export const MAX_STORED_DEPTH = 40;
/**
 * Largest nesting depth of sequences in a stored file that can be read. An instance that came by C-STORE can be nested deeper than STOW
 * accepts.
 */
export const MAX_READ_DEPTH = 64;

const SHORT_FORM = new Set('AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US'.split(' '));
const LONG_FORM = 'OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' ');
/** Known VRs. Each key is the two bytes of the VR as one number, so that the decoder creates no strings. */
const BY_CODE: ReadonlyMap<number, { readonly vr: string; readonly isShort: boolean }> = new Map(
  [...SHORT_FORM, ...LONG_FORM].map((vr) => [
    vr.charCodeAt(0) * 256 + vr.charCodeAt(1),
    { vr, isShort: SHORT_FORM.has(vr) },
  ]),
);
const VR = /^[A-Z]{2}$/;

/** VRs whose values are bytes or binary arrays, not text or single numbers. */
export const BINARY_VRS: ReadonlySet<string> = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN']);

/** Whether the length field of this VR has 16 bits. It has 32 bits for all other VRs, including future ones (PS3.5 §7.1.2). */
export function isShortForm(vr: string): boolean {
  return SHORT_FORM.has(vr);
}

/** The encoding of a data set in this transfer syntax. All transfer syntaxes except two use Explicit VR Little Endian (PS3.5 §A). */
export function encodingOf(transferSyntax: string): Encoding {
  if (transferSyntax === '1.2.840.10008.1.2') return IMPLICIT_LITTLE;
  return transferSyntax === '1.2.840.10008.1.2.2' ? EXPLICIT_BIG : EXPLICIT_LITTLE;
}

/** Whether the tag is an item, an item delimiter or a sequence delimiter. */
export function isDelimiter(tag: number): boolean {
  return tag >>> 16 === 0xfffe;
}

/**
 * Decodes the element head that starts at `at`. Returns `undefined` when `bytes` is too short: a head needs {@link SHORT_HEAD} or {@link
 * LONG_HEAD} bytes. Throws `DicomUnreadable` when the VR is not two capital letters.
 */
export function decodeElementHead(bytes: Buffer, at: number, encoding: Encoding): ElementHead | undefined {
  return decode(bytes, at, encoding, true);
}

/**
 * Decodes an element head of the file meta information. This information is in Explicit VR Little Endian (PS3.10 §7.1). An element with an
 * unknown VR has a long head.
 */
export function decodeMetaHead(bytes: Buffer, at: number): ElementHead | undefined {
  return decode(bytes, at, EXPLICIT_LITTLE, false);
}

function decode(
  bytes: Buffer,
  at: number,
  { implicit, big }: Encoding,
  checksVr: boolean,
): ElementHead | undefined {
  if (at + SHORT_HEAD > bytes.length) return undefined;
  const group = big ? bytes.readUInt16BE(at) : bytes.readUInt16LE(at);
  const tag = group * 0x10000 + (big ? bytes.readUInt16BE(at + 2) : bytes.readUInt16LE(at + 2));
  if (implicit || group === 0xfffe) {
    const length = big ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at + 4);
    return { tag, vr: '', length, size: SHORT_HEAD };
  }
  const known = BY_CODE.get(bytes.readUInt16BE(at + 4));
  const vr = known?.vr ?? bytes.toString('latin1', at + 4, at + 6);
  if (known?.isShort === true) {
    const length = big ? bytes.readUInt16BE(at + 6) : bytes.readUInt16LE(at + 6);
    return { tag, vr, length, size: SHORT_HEAD };
  }
  if (checksVr && known === undefined && !VR.test(vr)) throw fault.notAVr();
  if (at + LONG_HEAD > bytes.length) return undefined;
  const length = big ? bytes.readUInt32BE(at + 8) : bytes.readUInt32LE(at + 8);
  return { tag, vr, length, size: LONG_HEAD };
}

/**
 * Returns what an element of undefined length contains: items, fragments of compressed pixel data (PS3.5 §A.4), or items in Implicit VR
 * Little Endian if the VR is UN (PS3.5 §6.2.2). Throws `DicomUnreadable` for every other VR.
 */
export function undefinedLengthContent({
  tag,
  vr,
}: Pick<ElementHead, 'tag' | 'vr'>): 'items' | 'implicit-items' | 'fragments' {
  if (vr === 'SQ') return 'items';
  if (vr === 'OB' || vr === 'OW' || (vr === '' && tag === PIXEL_DATA)) return 'fragments';
  if (vr === 'UN' || vr === '') return 'implicit-items';
  throw fault.undefinedLength();
}

/**
 * Whether a stored element contains items. Every element of undefined length contains items, except compressed pixel data (PS3.5 §6.2.2,
 * §A.4).
 */
export function holdsItems({ vr, length }: ElementHead): boolean {
  return vr === 'SQ' || (length === UNDEFINED_LENGTH && (vr === 'UN' || !BINARY_VRS.has(vr)));
}

/** The encoding of the items of an element. If the VR of the element is UN, the items are in Implicit VR Little Endian (PS3.5 §6.2.2). */
export function itemsEncoding({ vr }: ElementHead, encoding: Encoding): Encoding {
  return vr === 'UN' ? IMPLICIT_LITTLE : encoding;
}

/** Errors for a data set with an invalid structure. */
export const fault = {
  notAVr: () => new DicomUnreadable('structure', 'a value representation is not two capital letters'),
  notAnItem: () => new DicomUnreadable('structure', 'a sequence contains something other than items'),
  notAFragment: () =>
    new DicomUnreadable('structure', 'compressed pixel data contains something other than fragments'),
  misplacedDelimiter: () => new DicomUnreadable('structure', 'an item or delimiter is in the wrong place'),
  undefinedLength: () => new DicomUnreadable('length', 'an element must not have an undefined length'),
  tooLong: () => new DicomUnreadable('length', 'an element is longer than the sequence or item around it'),
  tooDeep: () => new DicomUnreadable('too-deep', 'sequences are nested too deep'),
  tooMany: () => new DicomUnreadable('too-many', 'a sequence or data set has too many items or elements'),
  truncated: () => new DicomUnreadable('truncated', 'the file ends inside its data set'),
};
