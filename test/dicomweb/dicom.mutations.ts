import { deflateRawSync } from 'node:zlib';
import { TransferSyntax, uidFor } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';

const SYNTAXES = [
  TransferSyntax.implicitLittle,
  TransferSyntax.explicitLittle,
  TransferSyntax.explicitBig,
  TransferSyntax.deflated,
  TransferSyntax.rle,
];
/** Wrong lengths: zero, odd, undefined, almost undefined, more than available. */
const LENGTHS = [0, 1, 0xffffffff, 0xfffffffe, 0x7fffffff, 0x80000000, 0xffff, 0x10000, 4, 8];
const VRS = ['SQ', 'UN', 'OB', 'OW', 'UT', 'LO', 'UI', 'PN', 'ZZ', '\0\0', 'UV', 'OV'];
const EXPLICIT_ITEM = Buffer.from('0900011053510000fffffffffeff00e0ffffffff', 'hex');
const IMPLICIT_ITEM = Buffer.from('09000110fffffffffeff00e0ffffffff', 'hex');
const END_OF_ITEM = Buffer.from('feff0de000000000feffdde000000000', 'hex');

/** Pseudo-random numbers (xorshift32). The same seed always gives the same numbers. */
export class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 1;
  }

  /** An integer from 0 to `end` − 1. */
  below(end: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % end;
  }

  one<T>(of: readonly T[]): T {
    const value = of[this.below(of.length)];
    if (value === undefined) throw new Error('nothing to choose from');
    return value;
  }
}

type Mutation = (file: Buffer, dice: Dice) => Buffer;

/** The approximate offset of the data set, which follows the preamble and the file meta information. */
const DATASET = 330;

const mutations: readonly Mutation[] = [
  // Truncates the file at any offset.
  (file, dice) => file.subarray(0, dice.below(file.length)),
  // Truncates the file after the file meta information.
  (file, dice) => file.subarray(0, DATASET + dice.below(file.length - DATASET)),
  // Inverts bits.
  (file, dice) => {
    const bytes = Buffer.from(file);
    for (let left = 1 + dice.below(16); left > 0; left -= 1) {
      const at = 128 + dice.below(bytes.length - 128);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.below(8));
    }
    return bytes;
  },
  // Writes a wrong length at any offset, as a number of two or four bytes.
  (file, dice) => {
    const bytes = Buffer.from(file);
    const at = 132 + dice.below(bytes.length - 136);
    if (dice.below(2) === 0) bytes.writeUInt16LE(dice.one(LENGTHS) & 0xffff, at);
    else bytes.writeUInt32LE(dice.one(LENGTHS), at);
    return bytes;
  },
  // Replaces a VR by another VR or by an invalid VR.
  (file, dice) => {
    const bytes = Buffer.from(file);
    const at = bytes.indexOf(dice.one(['UI', 'LO', 'PN', 'DA', 'US', 'OW', 'CS']), 150, 'latin1');
    if (at > 0) bytes.write(dice.one(VRS), at, 'latin1');
    return bytes;
  },
  // Removes, duplicates or moves a range of bytes.
  (file, dice) => {
    const from = 132 + dice.below(file.length - 132);
    const piece = file.subarray(from, from + 1 + dice.below(64));
    const to = 132 + dice.below(file.length - 132);
    if (dice.below(2) === 0)
      return Buffer.concat([file.subarray(0, from), file.subarray(from + piece.length)]);
    return Buffer.concat([file.subarray(0, to), piece, file.subarray(to)]);
  },
  // Inserts nested sequences, with or without their delimiters.
  (file, dice) => {
    const depth = 1 + dice.below(10_000);
    const at = file.indexOf(Buffer.from('10001000', 'hex'), 132);
    const open = Buffer.concat(Array.from({ length: depth }, () => dice.one([EXPLICIT_ITEM, IMPLICIT_ITEM])));
    const close = Buffer.concat(Array.from({ length: dice.below(depth + 1) }, () => END_OF_ITEM));
    return Buffer.concat([
      file.subarray(0, Math.max(at, DATASET)),
      open,
      close,
      file.subarray(Math.max(at, DATASET)),
    ]);
  },
  // Inserts zeros or sequences. Deflated, they have at most a hundredth of their size.
  (file, dice) => {
    const at = file.indexOf(Buffer.from('08000500', 'hex'), 132);
    const grown =
      dice.below(2) === 0 ? Buffer.alloc(1 + dice.below(8_000_000)) : Buffer.alloc(1_000_000, EXPLICIT_ITEM);
    const head = Buffer.from(file.subarray(0, Math.max(at, DATASET)));
    const syntax = head.lastIndexOf('1.2.840.10008.1.2');
    if (syntax > 0) head.write('1.2.840.10008.1.2.1.99', syntax, 'latin1');
    return Buffer.concat([head, deflateRawSync(grown, { level: 1 })]);
  },
  // Writes random bytes after a valid beginning.
  (file, dice) => {
    const noise = Buffer.from(Array.from({ length: dice.below(2000) }, () => dice.below(256)));
    return Buffer.concat([file.subarray(0, 132 + dice.below(file.length - 132)), noise]);
  },
];

/**
 * Yields `count` files with one to three faults each. The same seed gives the same bytes in each run: the UIDs come from the seed, because
 * their lengths move the faults. All files have the same study, series and patient, so they can be stored together.
 */
export function* mutatedFiles(seed: number, count: number): Generator<Buffer> {
  const dice = new Dice(seed);
  const sound = SYNTAXES.map((transferSyntax) =>
    makeInstance({
      studyUid: uidFor(`study ${seed}`),
      seriesUid: uidFor(`series ${seed}`),
      sopUid: uidFor(`instance ${seed} ${transferSyntax}`),
      patientId: 'MUTATED',
      transferSyntax,
      patientName: 'Mutated^File',
      extra: [element('00081140', 'SQ', { items: [[element('00081155', 'UI', '1.2.3')]] })],
    }),
  );
  for (let made = 0; made < count; made += 1) {
    let file = dice.one(sound);
    for (let left = 1 + dice.below(3); left > 0 && file.length > DATASET + 8; left -= 1)
      file = dice.one(mutations)(file, dice);
    yield file;
  }
}
