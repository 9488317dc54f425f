import { type DicomElement, freshUid, TransferSyntax } from '../../infra/demo/dicom.elements.ts';
import { element } from '../../infra/demo/dicom.writer.ts';
import { encodedHtj2k } from '../pixels/htj2k.encoder.ts';
import { writtenExtended } from '../pixels/jpeg.extended.encoder.ts';
import { writtenLossless } from '../pixels/jpeg.lossless.encoder.ts';
import { encodedJpegLs } from '../pixels/jpeg.ls.encoder.ts';
import { encodedJpegXl } from '../pixels/jpeg.xl.encoder.ts';
import { encodedJpeg2000 } from '../pixels/jpeg2000.encoder.ts';
import { bytesOf, columns, painted, rows } from '../pixels/made.frames.ts';
import { testFile } from '../pixels/rendering.ts';
import { Dice } from './dicom.mutations.ts';
import { encode, freshUids, nativeFile } from './wado.encodings.ts';

/** An image whose header and pixels agree. `bytes`: its only frame, compressed or not. */
interface Sound {
  readonly transferSyntax: string;
  readonly bytes: Buffer;
  readonly isCompressed: boolean;
  readonly allocated: 8 | 16;
  readonly stored: number;
  readonly samples: 1 | 3;
}

/** A DICOM file with mutated pixels or pixel attributes, and the path of its instance. */
export interface MutatedImage {
  readonly name: string;
  readonly path: string;
  readonly sopUid: string;
  readonly file: Buffer;
}

const PIXELS = '7FE00010';
/** The sampling factors of colours with chrominance of half the rows and columns. */
const HALVED = [
  [2, 2],
  [1, 1],
  [1, 1],
] as const;
const grey12 = Buffer.from(bytesOf(painted(rows * columns, 12), 2));
const grey8 = Buffer.from(bytesOf(painted(rows * columns, 8), 1));
const rgb = Buffer.from(bytesOf(painted(rows * columns * 3, 8), 1));

/** One sound image for each transfer syntax that the gateway decodes, and more for some of them. */
async function soundImages(): Promise<readonly Sound[]> {
  const wide = { allocated: 16, stored: 12, samples: 1 } as const;
  const narrow = { allocated: 8, stored: 8, samples: 1 } as const;
  const colour = { allocated: 8, stored: 8, samples: 3 } as const;
  const deep = { allocated: 16, stored: 12, samples: 3 } as const;
  const native = [
    TransferSyntax.implicitLittle,
    TransferSyntax.explicitLittle,
    TransferSyntax.explicitBig,
    TransferSyntax.deflated,
  ].map(async (transferSyntax): Promise<Sound> => ({
    transferSyntax,
    allocated: 16,
    stored: 12,
    samples: 1,
    bytes: grey12,
    isCompressed: false,
  }));
  const made = async (
    end: string,
    kind: typeof wide | typeof narrow | typeof colour | typeof deep,
    stream: Uint8Array,
  ) => ({
    transferSyntax: `1.2.840.10008.1.2.${end}`,
    ...kind,
    bytes: Buffer.from(stream),
    isCompressed: true,
  });
  const pixels = {
    photometric: 'MONOCHROME2',
    samples: 1,
    bits: 8,
    frames: 1,
    rows,
    columns,
    bytes: grey8,
  } as const;
  const colours = { ...pixels, photometric: 'RGB', samples: 3, planar: 0, bytes: rgb } as const;
  const byDcmtk = async (name: 'RLE' | 'JPEG baseline (lossy)', of: typeof pixels | typeof colours) =>
    onlyFragment(await encode(name, nativeFile(of, freshUids(freshUid()))));
  const lossless = Array.from({ length: rows * columns }, (_, at) => grey12.readUInt16LE(at * 2));
  return Promise.all([
    ...native,
    made('5', colour, await byDcmtk('RLE', colours)),
    made('4.50', narrow, await byDcmtk('JPEG baseline (lossy)', pixels)),
    made('4.51', wide, writtenExtended({ rows, columns, restart: 4 })),
    made('4.51', deep, writtenExtended({ rows, columns, restart: 2, factors: HALVED })),
    made('4.57', wide, writtenLossless(lossless, { precision: 12, predictor: 6, restartRows: 5 })),
    made('4.70', wide, writtenLossless(lossless, { precision: 12 })),
    made('4.80', wide, await encodedJpegLs(grey12, 12)),
    made('4.81', colour, await encodedJpegLs(rgb, 8, { components: 3, mode: 2, near: 2 })),
    made('4.90', wide, await encodedJpeg2000(grey12, 12, { tile: 16 })),
    made('4.91', colour, await encodedJpeg2000(rgb, 8, { components: 3 })),
    made('4.110', wide, await encodedJpegXl(grey12, 12)),
    made('4.112', colour, await encodedJpegXl(rgb, 8, { components: 3, distance: 1 })),
    made('4.201', wide, await encodedHtj2k(grey12, 12)),
    made('4.202', colour, await encodedHtj2k(rgb, 8, { components: 3, order: 2, markers: true })),
    made('4.203', wide, await encodedHtj2k(grey12, 12, { tile: 16 })),
  ]);
}

/** The only fragment of a file with one frame. It follows the empty offset table. */
function onlyFragment(file: Buffer): Buffer {
  const table = file.lastIndexOf(Buffer.from('e07f10004f420000ffffffff', 'hex')) + 12;
  const item = table + 8 + file.readUInt32LE(table + 4);
  return file.subarray(item + 8, item + 8 + file.readUInt32LE(item + 4));
}

/** Values that contradict a sound image, by tag. */
const WRONG: readonly (readonly [tag: string, values: readonly (number | string)[]])[] = [
  ['00280002', [0, 1, 2, 3, 4, 65_535]],
  [
    '00280004',
    ['RGB', 'MONOCHROME1', 'YBR_FULL', 'YBR_FULL_422', 'YBR_RCT', 'PALETTE COLOR', 'XYB', 'CMYK', ''],
  ],
  ['00280006', [0, 1, 2]],
  ['00280008', ['0', '2', '999999999', '-1']],
  ['00280010', [0, 1, rows - 1, rows + 1, 16_000, 65_535]],
  ['00280011', [0, 1, columns - 1, columns + 1, 16_000, 65_535]],
  ['00280100', [0, 1, 8, 12, 16, 32, 64]],
  ['00280101', [0, 1, 7, 8, 12, 13, 16, 17]],
  ['00280102', [0, 7, 8, 11, 15, 16, 65_535]],
  ['00280103', [0, 1, 2]],
];

type Change = (
  dice: Dice,
  sound: Sound,
) => {
  readonly fragments: readonly Buffer[];
  readonly extra?: readonly DicomElement[];
};

const flipped = (bytes: Buffer, dice: Dice, end: number): Buffer => {
  const copy = Buffer.from(bytes);
  for (let left = 1 + dice.below(4); left > 0; left -= 1) {
    const at = dice.below(Math.min(end, copy.length));
    copy[at] = (copy[at] ?? 0) ^ (1 << dice.below(8));
  }
  return copy;
};

const changes: Readonly<Record<string, Change>> = {
  truncated: (dice, { bytes }) => ({ fragments: [bytes.subarray(0, dice.below(bytes.length))] }),
  'cut in its header': (dice, { bytes }) => ({ fragments: [bytes.subarray(0, dice.below(60))] }),
  'with flipped bits': (dice, { bytes }) => ({ fragments: [flipped(bytes, dice, Infinity)] }),
  'with flipped bits of its header': (dice, { bytes }) => ({ fragments: [flipped(bytes, dice, 120)] }),
  'with a wrong attribute': (dice, { bytes }) => ({ fragments: [bytes], extra: [wrongAttribute(dice)] }),
  'with wrong attributes': (dice, { bytes }) => ({
    fragments: [bytes],
    extra: [...new Map([1, 2, 3].map(() => wrongAttribute(dice)).map((one) => [one.tag, one])).values()],
  }),
  'in other fragments': (dice, { bytes }) => ({
    fragments: dice.one([
      [],
      [Buffer.alloc(0)],
      [Buffer.alloc(0), bytes, Buffer.alloc(0)],
      [bytes, bytes],
      [bytes.subarray(0, 10), bytes.subarray(10)],
      [Buffer.alloc(64)],
      [Buffer.alloc(200)],
      [Buffer.alloc(200, 255)],
    ]),
  }),
};

function wrongAttribute(dice: Dice): DicomElement {
  const [tag, values] = dice.one(WRONG);
  const value = dice.one(values);
  if (typeof value === 'number') return element(tag, 'US', [value]);
  return element(tag, tag === '00280008' ? 'IS' : 'CS', value);
}

/** Changes that no sound image survives. */
const broken: Readonly<Record<string, (sound: Sound) => ReturnType<Change>>> = {
  'without fragments': () => ({ fragments: [] }),
  'with an empty fragment': () => ({ fragments: [Buffer.alloc(0)] }),
  'of zeros': () => ({ fragments: [Buffer.alloc(200)] }),
  'of ones': () => ({ fragments: [Buffer.alloc(200, 255)] }),
  'cut in its header': ({ bytes }) => ({ fragments: [bytes.subarray(0, 20)] }),
  ...Object.fromEntries(
    [
      ['00280010', [0, rows - 1, rows + 1, 16_000, 65_535]],
      ['00280011', [0, columns - 1, columns + 1, 16_000, 65_535]],
      ['00280100', [0, 1, 12, 32, 64]],
      ['00280002', [0, 2, 4]],
    ].flatMap(([tag, values]) =>
      [values].flat().map((value) => [
        `with ${String(tag)} = ${value}`,
        ({ bytes }: Sound) => ({
          fragments: [bytes],
          extra: [element(String(tag), 'US', [Number(value)])],
        }),
      ]),
    ),
  ),
  'of 65535 x 65535 pixels': ({ bytes }) => ({
    fragments: [bytes],
    extra: [element('00280010', 'US', [65_535]), element('00280011', 'US', [65_535])],
  }),
  'with the other number of samples': ({ bytes, samples }) => ({
    fragments: [bytes],
    extra: [
      element('00280002', 'US', [samples === 1 ? 3 : 1]),
      element('00280004', 'CS', samples === 1 ? 'RGB' : 'MONOCHROME2'),
      ...(samples === 1 ? [element('00280006', 'US', [0])] : []),
    ],
  }),
};

/** Compressed images of a study that cannot be decoded: each kind of fault in each transfer syntax. */
export async function brokenImages(studyUid: string): Promise<readonly MutatedImage[]> {
  const compressed = (await soundImages()).filter(({ isCompressed }) => isCompressed);
  return compressed.flatMap((sound) =>
    Object.entries(broken).map(([kind, change]) =>
      imageOf(`${sound.transferSyntax} ${kind}`, sound, change(sound), studyUid),
    ),
  );
}

/** Endless studies of `size` mutated images each. The same seed always gives the same mutations. */
export async function* mutatedStudies(seed: number, size: number): AsyncGenerator<MutatedImage[]> {
  const dice = new Dice(seed);
  const sounds = await soundImages();
  for (let first = 0; ; first += size) {
    const studyUid = freshUid();
    yield Array.from({ length: size }, (_, index) => {
      const sound = sounds[(first + index) % sounds.length];
      const [kind, change] = dice.one(Object.entries(changes));
      if (sound === undefined) throw new Error('no images');
      const name = `${first + index} of seed ${seed}: ${sound.transferSyntax} ${kind}`;
      return imageOf(name, sound, change(dice, sound), studyUid);
    });
  }
}

function imageOf(
  name: string,
  sound: Sound,
  { fragments, extra = [] }: ReturnType<Change>,
  studyUid: string,
): MutatedImage {
  const [seriesUid, sopUid] = [freshUid(), freshUid()];
  const { transferSyntax, allocated, stored, samples, isCompressed } = sound;
  const value = isCompressed ? { fragments: [...fragments] } : Buffer.concat(fragments);
  const file = testFile(
    {
      transferSyntax,
      allocated,
      stored,
      samples,
      rows,
      columns,
      photometric: samples === 3 ? 'RGB' : 'MONOCHROME2',
      ...(samples === 3 ? { planar: 0 } : {}),
      bytes: Buffer.alloc(0),
      extra: [...extra, { tag: PIXELS, vr: isCompressed ? 'OB' : 'OW', value }],
    },
    { studyUid, seriesUid, sopUid, patientId: 'MUTATED-PIXELS' },
  );
  return { name, file, sopUid, path: `/studies/${studyUid}/series/${seriesUid}/instances/${sopUid}` };
}
