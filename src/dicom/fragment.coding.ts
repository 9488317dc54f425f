/** A kind of compressed image, which is recognised by the first and last bytes of fragments. */
export interface Coding {
  /** Whether each image is exactly one fragment (PS3.5 §A.4.2). */
  readonly isSingle: boolean;
  /** Whether a fragment with these first bytes begins an image. */
  readonly begins: (head: Buffer) => boolean;
  /** Whether a fragment with these last bytes ends an image. */
  readonly ends: (tail: Buffer) => boolean;
}

/**
 * The end marker of an image in hexadecimal, with the padding that some writers add. JPEG and JPEG-LS (EOI) and JPEG 2000 (EOC) use the
 * same marker.
 */
const END = /ffd9(?:00|ff){0,2}$/;

/**
 * Kinds of images with a start marker: SOI and the next marker (JPEG, JPEG-LS), SOC and SIZ (JPEG 2000, HTJ2K), the signature box of JP2,
 * and the signature box of JPEG XL.
 */
const MARKED: readonly Coding[] = ['ffd8ff', 'ff4fff51', '0000000c6a502020', '0000000c4a584c20'].map(
  (start) => ({
    isSingle: false,
    begins: (head) => head.toString('hex').startsWith(start),
    ends: (tail) => END.test(tail.toString('hex')),
  }),
);

/** RLE (PS3.5 §G.5): a header of 64 bytes, then 1 to 15 segments. */
const RLE: Coding = {
  isSingle: true,
  begins: (head) => head.length >= 8 && head.readUInt32LE(4) === 64 && isCount(head.readUInt32LE(0)),
  ends: () => true,
};

/** Finds the coding of an image from its first bytes. `undefined` when the coding is unknown. */
export function codingOf(head: Buffer): Coding | undefined {
  return [...MARKED, RLE].find((coding) => coding.begins(head));
}

function isCount(segments: number): boolean {
  return segments >= 1 && segments <= 15;
}
