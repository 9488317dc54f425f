import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { request } from 'undici';
import { z } from 'zod';
import { freshUid } from '../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../infra/demo/dicom.writer.ts';
import { cacheFolder, providePrefix, type Prefix } from '../infra/local/prefix.ts';
import { encodedJpegXl } from '../test/pixels/jpeg.xl.encoder.ts';
import { startBenchStack, type BenchStack } from './bench.stack.ts';

const execute = promisify(execFile);
const load = createRequire(import.meta.url);
const IMAGES = 6;
const SIDES = [512, 2048];
const BITS = 12;

/** A way to compress: a program of DCMTK, or a codec. */
type Encoding = readonly [name: string, transferSyntax: string, ...program: string[]];
const ENCODINGS: readonly Encoding[] = [
  ['uncompressed', '1.2.840.10008.1.2.1'],
  ['RLE', '1.2.840.10008.1.2.5', 'dcmcrle'],
  ['JPEG baseline, 8 bits', '1.2.840.10008.1.2.4.50', 'dcmcjpeg', '+eb'],
  ['JPEG extended, 12 bits', '1.2.840.10008.1.2.4.51', 'dcmcjpeg', '+ee'],
  ['JPEG lossless', '1.2.840.10008.1.2.4.57', 'dcmcjpeg', '+el'],
  ['JPEG lossless SV1', '1.2.840.10008.1.2.4.70', 'dcmcjpeg', '+e1'],
  ['JPEG-LS', '1.2.840.10008.1.2.4.80', 'dcmcjpls', '+el'],
  ['JPEG-LS, near-lossless', '1.2.840.10008.1.2.4.81', 'dcmcjpls', '+en'],
  ['JPEG 2000', '1.2.840.10008.1.2.4.90'],
  ['HTJ2K', '1.2.840.10008.1.2.4.201'],
  ['JPEG XL', '1.2.840.10008.1.2.4.110'],
];
/** The side of a thumbnail, and how often the side of the largest images is halved for it. */
const THUMBNAIL = { side: 128, halvings: 4 };

type Sources = {
  readonly workers: typeof import('../src/pixels/frame.workers.js');
  readonly header: typeof import('../src/pixels/image.header.js');
  readonly presentation: typeof import('../src/pixels/presentation.js');
  readonly syntaxes: typeof import('../src/dicom/transfer.syntaxes.js');
};

/** Imports a module of the built gateway. */
const dist = (name: string) => import(join(import.meta.dirname, '../dist', name));
/** An element with a number of 16 bits. */
const short = (tag: string, value: number) => element(tag, 'US', [value]);

/** Measures decoding and rendering in a worker of the gateway, and a whole request for the picture to Orthanc. Returns a Markdown table. */
export async function benchPixels(say: (line: string) => void): Promise<string> {
  const stack = await startBenchStack(say);
  const prefix = await providePrefix(cacheFolder(), say);
  const sources: Sources = {
    workers: await dist('pixels/frame.workers.js'),
    header: await dist('pixels/image.header.js'),
    presentation: await dist('pixels/presentation.js'),
    syntaxes: await dist('dicom/transfer.syntaxes.js'),
  };
  const workers = new sources.workers.FrameWorkers();
  const rows: string[] = [];
  try {
    for (const encoding of ENCODINGS)
      for (const side of SIDES) {
        const [name] = encoding;
        say(`${name}, ${side} x ${side}`);
        const files = (first: number) =>
          Promise.all(
            Array.from({ length: IMAGES }, (_, index) => compressed(prefix, encoding, side, first + index)),
          );
        const add = (row: string) => {
          say(row);
          rows.push(row);
        };
        add(await measured(`${name}, ${side}²`, sources, workers, stack, await files(0)));
        if (side !== SIDES.at(-1)) continue;
        // Orthanc keeps decoded images, so thumbnails are measured with others.
        const [others, what] = [await files(IMAGES), `${name}, thumbnail of ${side}²`];
        add(await measured(what, sources, workers, stack, others, THUMBNAIL.halvings));
      }
  } finally {
    await workers.close();
    await stack.stop();
  }
  return `| what | Orthanc, whole request, ms | worker of the gateway, ms | Orthanc : gateway |
|---|---|---|---|
${rows.join('\n')}

Medians of ${IMAGES} images, one after the other. Orthanc decodes, renders and encodes a JPEG. The worker decodes and renders.
For a thumbnail, the worker decodes JPEG 2000 and HTJ2K in a smaller size, and other images in their size.`;
}

/** Measures one kind of image. Returns its row of the table. */
async function measured(
  what: string,
  sources: Sources,
  workers: InstanceType<Sources['workers']['FrameWorkers']>,
  stack: BenchStack,
  files: readonly Buffer[],
  halvings = 0,
): Promise<string> {
  const ours = await rendered(sources, workers, files, halvings);
  const theirs = await pictured(stack, files, halvings > 0);
  const ratio = theirs === undefined ? '–' : `${(theirs / ours).toFixed(2)} ×`;
  const cell = theirs === undefined ? 'not decoded' : theirs.toFixed(1);
  return `| ${what} | ${cell} | ${ours.toFixed(1)} | ${ratio} |`;
}

/** A synthetic image, noisy in its lowest bits. */
function painted(side: number, seed: number): Buffer {
  const bytes = Buffer.alloc(side * side * 2);
  for (let at = 0, noise = seed + 1; at < side * side; at += 1) {
    noise = (Math.imul(noise, 1_103_515_245) + 12_345) & 0x7fffffff;
    const [x, y] = [(at % side) / side, Math.floor(at / side) / side];
    const smooth = 2000 + 1500 * Math.sin(7 * x + seed) * Math.cos(5 * y);
    bytes.writeUInt16LE(Math.round(smooth) + ((noise >> 16) & 15), at * 2);
  }
  return bytes;
}

async function compressed(
  prefix: Prefix,
  [, transferSyntax, program, ...options]: Encoding,
  side: number,
  seed: number,
): Promise<Buffer> {
  const pixels = painted(side, seed);
  if (program === undefined) {
    const codec = codecs[transferSyntax];
    return codec === undefined ? file(side, pixels) : file(side, await codec(pixels, side), transferSyntax);
  }
  const folder = await mkdtemp(join(tmpdir(), 'radgate-bench-'));
  try {
    const paths = [join(folder, 'in'), join(folder, 'out')] as const;
    await writeFile(paths[0], file(side, pixels));
    const [command = '', ...args] = prefix.command(`usr/bin/${program}`, ...options, ...paths);
    const env = { DCMDICTPATH: join(prefix.folder, 'usr/share/dcmtk/dicom.dic') };
    await execute(command, args, { env });
    return await readFile(paths[1]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function file(side: number, pixels: Buffer, transferSyntax?: string): Buffer {
  const value = transferSyntax === undefined ? pixels : { fragments: [pixels] };
  return makeInstance({
    studyUid: freshUid(),
    frames: 0,
    transferSyntax,
    extra: [
      short('00280002', 1),
      element('00280004', 'CS', 'MONOCHROME2'),
      short('00280010', side),
      short('00280011', side),
      short('00280100', 16),
      short('00280101', BITS),
      short('00280102', BITS - 1),
      short('00280103', 0),
      // With a window, a smaller size shows the same values.
      element('00281050', 'DS', '2048'),
      element('00281051', 'DS', '4096'),
      { tag: '7FE00010', vr: transferSyntax === undefined ? 'OW' : 'OB', value },
    ],
  });
}

interface Encoder {
  getDecodedBuffer(info: object): Uint8Array;
  setQuality(isLossless: boolean, value: number): void;
  encode(): void;
  getEncodedBuffer(): Uint8Array;
  delete(): void;
}
type Factory = (options: object) => Promise<Readonly<Record<string, new () => Encoder>>>;

const byCodec = (script: string, name: string) => async (pixels: Buffer, side: number) => {
  const factory: Factory = load(script);
  const codec = await factory({ print: () => undefined, printErr: () => undefined });
  const Made = codec[name];
  if (Made === undefined) throw new Error(`the codec has no ${name}`);
  const encoder = new Made();
  const info = { width: side, height: side, bitsPerSample: BITS, componentCount: 1, isSigned: false };
  encoder.getDecodedBuffer({ ...info, isUsingColorTransform: false }).set(pixels);
  encoder.setQuality(true, 0);
  encoder.encode();
  const stream = Buffer.from(encoder.getEncodedBuffer());
  encoder.delete();
  return stream;
};
const codecs: Readonly<Record<string, (pixels: Buffer, side: number) => Promise<Buffer>>> = {
  '1.2.840.10008.1.2.4.90': byCodec('@cornerstonejs/codec-openjpeg/wasmjs', 'J2KEncoder'),
  '1.2.840.10008.1.2.4.201': byCodec('@cornerstonejs/codec-openjph/wasmjs', 'HTJ2KEncoder'),
  '1.2.840.10008.1.2.4.110': async (pixels, side) =>
    Buffer.from(await encodedJpegXl(pixels, BITS, { height: side, width: side })),
};

/** The median time of a worker in milliseconds. The first image is not measured, because it loads the codec. */
async function rendered(
  { header, presentation, syntaxes }: Sources,
  workers: InstanceType<Sources['workers']['FrameWorkers']>,
  files: readonly Buffer[],
  halvings: number,
): Promise<number> {
  const times: number[] = [];
  for (const [index, bytes] of [files[0] ?? Buffer.alloc(0), ...files].entries()) {
    const { format, place, values } = await header.readImageHeader(Readable.from([bytes]));
    const codec = syntaxes.codecOf(syntaxOf(bytes));
    const pixels =
      codec === undefined ? bytes.subarray(place.at, place.at + place.length) : fragment(bytes, place.at);
    const frame = { format, codec, bytes: new Uint8Array(pixels), firstBit: 0, halvings };
    const began = performance.now();
    await workers.render(`${index} ${halvings}`, frame, presentation.presentationOf(values, format, 1));
    if (index > 0) times.push(performance.now() - began);
  }
  return median(times);
}

function syntaxOf(bytes: Buffer): string {
  const at = bytes.indexOf(Buffer.from('020010005549', 'hex')) + 6;
  return bytes.toString('latin1', at + 2, at + 2 + bytes.readUInt16LE(at)).replace(/\0$/, '');
}

/** The first fragment after the offset table. */
function fragment(bytes: Buffer, at: number): Buffer {
  const item = at + 8 + bytes.readUInt32LE(at + 4);
  return bytes.subarray(item + 8, item + 8 + bytes.readUInt32LE(item + 4));
}

/** The median time of Orthanc's answer in milliseconds. Undefined when Orthanc does not decode the images. */
async function pictured(
  { orthanc, basic }: BenchStack,
  files: readonly Buffer[],
  isThumbnail: boolean,
): Promise<number | undefined> {
  const { side } = THUMBNAIL;
  const size = isThumbnail ? `?width=${side}&height=${side}` : '';
  const headers = { authorization: basic };
  const times: number[] = [];
  for (const body of files) {
    const stored = await request(`${orthanc}/instances`, { method: 'POST', headers, body });
    const { ID } = z.object({ ID: z.string() }).parse(await stored.body.json());
    const began = performance.now();
    const answer = await request(`${orthanc}/instances/${ID}/frames/0/rendered${size}`, { headers });
    await answer.body.dump({ limit: Infinity });
    if (answer.statusCode !== 200) return undefined;
    times.push(performance.now() - began);
  }
  return median(times);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
