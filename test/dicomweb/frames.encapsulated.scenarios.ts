import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { isLong, longForm, sample } from '../support/long.form.ts';
import type { Caller, World } from '../support/world.ts';
import {
  type CodingName,
  encapsulatedFile,
  even,
  image,
  offsetsOf,
  pieces,
  type Tables,
} from './encapsulated.files.ts';
import { freshUids, nativeFile, pixels } from './wado.encodings.ts';
import { partsOf } from './wado.reading.ts';
import { type Ask, askerOf } from './wado.world.ts';

let world: World;

let sender: Caller;

let ask: Ask;

const study = freshUid();

const nothing = Buffer.alloc(0);

const rest = Buffer.alloc(30, 0x33);

/** Splits three images into fragments. `image` is the index of the image to which a fragment belongs. */
type Layout = (images: readonly Buffer[]) => readonly { readonly image: number; readonly bytes: Buffer }[];

const inPieces =
  (...counts: number[]): Layout =>
  (images) =>
    images.flatMap((bytes, index) =>
      pieces(bytes, counts[index] ?? 1).map((piece) => ({ image: index, bytes: piece })),
    );

const followedBy =
  (layout: Layout, bytes: Buffer): Layout =>
  (images) => [...layout(images), { image: -1, bytes }];

const layouts: Readonly<Record<string, Layout>> = {
  'one fragment each': inPieces(1, 1, 1),
  'three fragments each': inPieces(3, 3, 3),
  'uneven fragments': inPieces(2, 1, 3),
  'an empty last fragment': followedBy(inPieces(1, 1, 1), nothing),
  'uneven fragments and an empty last one': followedBy(inPieces(1, 3, 2), nothing),
  'empty fragments in between': (images) =>
    images.flatMap((bytes, index) => [
      { image: index, bytes },
      { image: index, bytes: nothing },
    ]),
  'one fragment more': followedBy(inPieces(1, 1, 1), rest),
  'one fragment more after uneven ones': followedBy(inPieces(3, 1, 2), rest),
};

/** The layouts in which each image is one fragment, as RLE requires. */
const SINGLE = /^(one fragment (each|more)|an empty last fragment|empty fragments in between)$/;

type TablesOf = (starts: readonly number[], lengths: readonly number[]) => Omit<Tables, 'frames'>;

const tables: Readonly<Record<string, TablesOf>> = {
  'no table': () => ({}),
  'a basic offset table': (starts) => ({ basic: starts }),
  'a wrong basic offset table': (starts) => ({ basic: starts.map((start) => start + (start === 0 ? 0 : 2)) }),
  'a short basic offset table': (starts) => ({ basic: starts.slice(0, -1) }),
  'a basic offset table of nothing but zeros': (starts) => ({ basic: starts.map(() => 0) }),
  'an extended offset table': (starts) => ({ extended: starts }),
  'an extended offset table with lengths': (starts, lengths) => ({ extended: starts, lengths }),
  'an extended offset table with wrong lengths': (starts, lengths) => ({
    extended: starts,
    lengths: lengths.map((length) => length + 100),
  }),
  'a wrong extended and a right basic offset table': (starts) => ({
    basic: starts,
    extended: starts.map((start) => start * 3),
  }),
};

const syntaxes: readonly (readonly [name: string, transferSyntax: string, coding: CodingName])[] = [
  ['JPEG baseline', '1.2.840.10008.1.2.4.50', 'jpeg'],
  ['JPEG extended', '1.2.840.10008.1.2.4.51', 'jpeg'],
  ['JPEG lossless', '1.2.840.10008.1.2.4.70', 'jpeg'],
  ['JPEG-LS', '1.2.840.10008.1.2.4.80', 'jpegLs'],
  ['JPEG 2000', '1.2.840.10008.1.2.4.90', 'jpeg2000'],
  ['JPEG 2000 in JP2 boxes', '1.2.840.10008.1.2.4.91', 'jp2'],
  ['HTJ2K', '1.2.840.10008.1.2.4.201', 'jpeg2000'],
  ['RLE', '1.2.840.10008.1.2.5', 'rle'],
];

interface Encapsulated {
  readonly fragments: readonly Buffer[];
  readonly about: Tables;
}

/**
 * Transfer syntaxes whose code stream is also that of another transfer syntax in the table. They are tested only in the long form, and with
 * few layouts.
 */
const ALIKE = /^(JPEG extended|JPEG lossless|HTJ2K)$/;

/** Stores objects in one request. Returns the requested frames of each object. */
async function served(transferSyntax: string, objects: readonly Encapsulated[], list = '3,1,2') {
  const made = objects.map(({ fragments, about }) => ({ fragments, about, uids: freshUids(study) }));
  const files = made.map((one) => encapsulatedFile(one.uids, transferSyntax, one.fragments, one.about));
  await world.store(sender, files).expect(200);
  return Promise.all(
    made.map(async ({ uids }) => {
      const path = `/studies/${study}/series/${uids.seriesUid}/instances/${uids.sopUid}/frames/${list}`;
      const answer = await ask(path, 'multipart/related; type="application/octet-stream"; transfer-syntax=*');
      const parts = answer.status === 200 ? partsOf(answer.type, answer.body).map(({ body }) => body) : [];
      return { status: answer.status, type: answer.type, body: answer.body, parts };
    }),
  );
}

/** Stores one object and returns its requested frames. */
async function servedOne(transferSyntax: string, fragments: readonly Buffer[], about: Tables, list?: string) {
  const [only] = await served(transferSyntax, [{ fragments, about }], list);
  if (only === undefined) throw new Error('nothing was served');
  return only;
}

const hex = (bytes: readonly Buffer[]) => bytes.map((one) => one.toString('hex'));

/** The scenarios of frames in fragments. */
export function registerFramesEncapsulated(shared: () => World): void {
  describe('encapsulated frames', () => {
    beforeAll(async () => {
      world = shared();
      sender = await world.machine();
      ask = askerOf(world, await world.radiologist(study));
    });

    describe.each(syntaxes.filter(([name]) => isLong || !ALIKE.test(name)))(
      'frames in %s are found',
      (syntax, transferSyntax, coding) => {
        const known = Object.entries(layouts).filter(
          ([name]) => (coding !== 'rle' || SINGLE.test(name)) && (!ALIKE.test(syntax) || /uneven/.test(name)),
        );
        it.each(sample(known, 1))('with %s, whatever the tables say', async (_layout, layout) => {
          const images = [101, 64, 75].map((payload, seed) => image(coding, seed, payload));
          const made = layout(images);
          const fragments = made.map(({ bytes }) => bytes);
          const offsets = offsetsOf(fragments);
          const starts = images.map(
            (__, index) => offsets[made.findIndex((one) => one.image === index)] ?? 0,
          );
          const lengths = images.map(({ length }) => length);
          const names = Object.keys(tables);
          const objects = Object.values(tables).map((of) => ({
            fragments,
            about: { frames: 3, ...of(starts, lengths) },
          }));
          for (const [at, { status, parts }] of (await served(transferSyntax, objects)).entries()) {
            const isExact = names[at] === 'an extended offset table with lengths';
            const expected = images.map((bytes) => (isExact ? bytes : even(bytes)));
            const wanted = hex([2, 0, 1].map((index) => expected[index] ?? nothing));
            expect([names[at], status, ...hex(parts)]).toEqual([names[at], 200, ...wanted]);
          }
        });

        it('where there are more images than NumberOfFrames, and where there is one', async () => {
          const images = [40, 51, 62, 73].map((payload, seed) => image(coding, seed, payload));
          const more = await servedOne(transferSyntax, images, { frames: 3 });
          expect(hex(more.parts)).toEqual(hex([2, 0, 1].map((index) => even(images[index] ?? nothing))));
          const [single = nothing] = images;
          const cut = coding === 'rle' ? [single] : pieces(single, 3);
          const objects = [[], [0], [0, 12], [4]].flatMap((basic) =>
            [cut, [...cut, nothing], [nothing, ...cut]].map((fragments) => ({
              fragments,
              about: { frames: 1, basic },
            })),
          );
          for (const [at, { status, parts }] of (await served(transferSyntax, objects, '1')).entries())
            expect([at, status, ...hex(parts)]).toEqual([at, 200, ...hex([even(single)])]);
        });
      },
    );

    it('a video is all its fragments, whatever its tables and frames', async () => {
      const fragments = [Buffer.alloc(100, 1), Buffer.alloc(60, 2), nothing, Buffer.alloc(40, 3), nothing];
      for (const transferSyntax of sample(
        ['1.2.840.10008.1.2.4.100', '1.2.840.10008.1.2.4.102', '1.2.840.10008.1.2.4.107'],
        1,
      )) {
        const objects = longForm([1, 3, 4, 5, 200], [3, 200]).flatMap((frames) =>
          [[], [0], [0, 108, 176], [7, 9]].map((basic) => ({ fragments, about: { frames, basic } })),
        );
        for (const [at, { status, parts }] of (await served(transferSyntax, objects, '1')).entries())
          expect([at, status, ...hex(parts)]).toEqual([at, 200, ...hex([Buffer.concat(fragments)])]);
      }
    });

    it.each<[what: string, fragments: Buffer[], about: Tables]>([
      ['bytes without markers in more fragments than frames', pieces(Buffer.alloc(200, 9), 5), { frames: 3 }],
      ['fewer images than frames', [image('jpeg', 1, 20), image('jpeg', 2, 20)], { frames: 3 }],
      ['nothing but empty fragments', [nothing, nothing, nothing], { frames: 3 }],
      ['no fragment', [], { frames: 3 }],
    ])('boundaries that cannot be known are 406 with a sentence: %s', async (_, fragments, about) => {
      const { status, type, body } = await servedOne('1.2.840.10008.1.2.4.50', fragments, about, '1');
      expect([status, type]).toEqual([406, 'application/problem+json']);
      expect(body.toString()).toContain('does not say where its frames begin and end');
    });

    it('bytes without markers are divided by a table, and one fragment each', async () => {
      const images = [20, 30, 40].map((payload, seed) => image('unknown', seed, payload));
      const even_ = hex([2, 0, 1].map((index) => even(images[index] ?? nothing)));
      expect(hex((await servedOne('1.2.840.10008.1.2.4.80', images, { frames: 3 })).parts)).toEqual(even_);
      const fragments = images.flatMap((bytes) => pieces(bytes, 2));
      const basic = offsetsOf(fragments).filter((__, index) => index % 2 === 0);
      expect(hex((await servedOne('1.2.840.10008.1.2.4.80', fragments, { frames: 3, basic })).parts)).toEqual(
        even_,
      );
    });

    it('large fragments come whole, cut anywhere', async () => {
      const images = [1_200_001, 10, 600_000].map((payload, seed) => image('jpeg2000', seed, payload));
      const fragments = images.flatMap((bytes, index) => pieces(bytes, index === 1 ? 1 : 7));
      const { status, parts } = await servedOne('1.2.840.10008.1.2.4.90', fragments, { frames: 3 });
      expect(status).toBe(200);
      expect([2, 0, 1].map((index, at) => parts[at]?.equals(even(images[index] ?? nothing)))).toEqual([
        true,
        true,
        true,
      ]);
    });

    describe.each([
      ['Float Pixel Data', '7FE00008', 'OF', 4],
      ['Double Float Pixel Data', '7FE00009', 'OD', 8],
    ] as const)('%s', (_, tag, vr, width) => {
      it.each(['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.1.99'])(
        'has frames like any other in %s',
        async (transferSyntax) => {
          const one = freshUids(study);
          const [rows, columns, frames] = [5, 7, 3];
          const bytes = Buffer.alloc(rows * columns * frames * width);
          for (let at = 0; at < rows * columns * frames; at += 1)
            if (width === 4) bytes.writeFloatLE(at / 3, at * 4);
            else bytes.writeDoubleLE(at / 3, at * 8);
          const whole = makeInstance({
            ...one,
            patientId: 'ENC-1',
            frames: 0,
            sopClassUid: '1.2.840.10008.5.1.4.1.1.30',
            transferSyntax,
            extra: [
              element('00280002', 'US', [1]),
              element('00280004', 'CS', 'MONOCHROME2'),
              element('00280008', 'IS', String(frames)),
              element('00280010', 'US', [rows]),
              element('00280011', 'US', [columns]),
              element('00280100', 'US', [width * 8]),
              element(tag, vr, bytes),
            ],
          });
          await world.store(sender, [whole]).expect(200);
          const path = `/studies/${study}/series/${one.seriesUid}/instances/${one.sopUid}/frames`;
          const size = rows * columns * width;
          const { status, type, body } = await ask(`${path}/3,1`);
          expect(status).toBe(200);
          expect(hex(partsOf(type, body).map((part) => part.body))).toEqual(
            hex([bytes.subarray(2 * size), bytes.subarray(0, size)]),
          );
          const single = await ask(`${path}/2`, 'application/octet-stream');
          expect([single.status, single.body.equals(bytes.subarray(size, 2 * size))]).toEqual([200, true]);
          expect((await ask(`${path}/4`)).status).toBe(404);
        },
      );
    });

    it('native pixels that are not as long as their frames are 406 with a sentence', async () => {
      const one = freshUids(study);
      const file = nativeFile({ ...pixels.grey8, bytes: pixels.grey8.bytes.subarray(0, 1000) }, one);
      await world.store(sender, [file]).expect(200);
      const path = `/studies/${study}/series/${one.seriesUid}/instances/${one.sopUid}/frames/3`;
      const { status, type, body } = await ask(path);
      expect([status, type]).toEqual([406, 'application/problem+json']);
      expect(body.toString()).toContain('does not match its frames');
    });
  });
}
