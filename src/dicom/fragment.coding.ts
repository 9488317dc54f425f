/** A family of code streams, recognised by the first and last bytes of fragments. */
export interface Coding {
  /** Whether each image is exactly one fragment (PS3.5 §A.4.2). */
  readonly isSingle: boolean;
  /** Whether a fragment with these first bytes begins an image. */
  readonly begins: (head: Buffer) => boolean;
  /** Whether a fragment with these last bytes ends an image. */
  readonly ends: (tail: Buffer) => boolean;
}

/** EOI of JPEG and JPEG-LS, EOC of JPEG 2000: the same marker, with the padding that writers add. */
const END = /ffd9(?:00|ff){0,2}$/;

/** SOI and the marker after it (JPEG, JPEG-LS); SOC and SIZ (JPEG 2000, HTJ2K); the signature box of JP2; that of JPEG XL. */
const MARKED: readonly Coding[] = ['ffd8ff', 'ff4fff51', '0000000c6a502020', '0000000c4a584c20'].map(
  (start) => ({
    isSingle: false,
    begins: (head) => head.toString('hex').startsWith(start),
    ends: (tail) => END.test(tail.toString('hex')),
  }),
);

/** RLE (PS3.5 §G.5): 1 to 15 segments; the first follows the header of 64 bytes. */
const RLE: Coding = {
  isSingle: true,
  begins: (head) => head.length >= 8 && head.readUInt32LE(4) === 64 && isCount(head.readUInt32LE(0)),
  ends: () => true,
};

/** The coding of an image by its first bytes. `undefined` when they are of no known coding. */
export function codingOf(head: Buffer): Coding | undefined {
  return [...MARKED, RLE].find((coding) => coding.begins(head));
}

function isCount(segments: number): boolean {
  return segments >= 1 && segments <= 15;
}
