import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { beforeAll, describe, expect, it } from 'vitest';
import { codecOf } from '../../src/dicom/transfer.syntaxes.js';
import { decodeFrame } from '../../src/pixels/frame.decoder.js';
import { readImageHeader } from '../../src/pixels/image.header.js';
import { byDcmtk } from '../dicomweb/dcmtk.programs.ts';
import { provideCorpus } from '../support/corpus.ts';
import { longForm, sample } from '../support/long.form.ts';
import { decodedCorpus } from './corpus.pixels.ts';
import { bytesOf } from './made.frames.ts';
import { testFile } from './rendering.ts';

/** A tag of an item in little endian. */
const ITEM = 0xe000fffe;
const FILE_META_LENGTH = 140;

const files = new Map<string, Buffer>();
beforeAll(async () => {
  const corpus = await provideCorpus((line) => process.stderr.write(`${line}\n`));
  for (const { name, bytes } of corpus) files.set(basename(name), bytes);
}, 600_000);

function fileOf(name: string): Buffer {
  const file = files.get(name);
  if (file === undefined) throw new Error(`the corpus has no file ${name}`);
  return file;
}

function transferSyntaxOf(file: Buffer): string {
  const at = file.indexOf(Buffer.from('020010005549', 'hex'), FILE_META_LENGTH) + 6;
  return file.toString('latin1', at + 2, at + 2 + file.readUInt16LE(at)).replace(/\0$/, '');
}

/** The fragments of a file without its offset table. */
function fragmentsOf(file: Buffer, start: number): Buffer[] {
  const found: Buffer[] = [];
  for (let at = start; at + 8 <= file.length && file.readUInt32LE(at) === ITEM;) {
    const end = at + 8 + file.readUInt32LE(at + 4);
    found.push(file.subarray(at + 8, end));
    at = end;
  }
  return found.slice(1);
}

/** All decoded frames of a file in little endian. */
async function decodedPixels(file: Buffer): Promise<Buffer> {
  const codec = codecOf(transferSyntaxOf(file));
  const { format, frames, place } = await readImageHeader(Readable.from([file], { objectMode: true }));
  if (codec === undefined) throw new Error('the file is not compressed');
  const fragments = fragmentsOf(file, place.at);
  const streams = frames === 1 ? [Buffer.concat(fragments)] : fragments;
  const decoded: Uint8Array[] = [];
  for (const stream of streams)
    decoded.push((await decodeFrame(codec, format, new Uint8Array(stream))).bytes);
  return Buffer.concat(decoded);
}

describe('files of others', () => {
  it.each(sample(decodedCorpus, 12))(
    'are decoded as pydicom does: %s',
    async (name, expected) => {
      const hash = createHash('sha256').update(await decodedPixels(fileOf(name)));
      expect(hash.digest('hex').slice(0, 16)).toBe(expected);
    },
    longForm(120_000, 30_000),
  );

  it.each(['JPGExtended.dcm', 'JPEG-lossy.dcm'])(
    'JPEG of 12 bits differs by at most 1 from DCMTK: %s',
    async (name) => {
      expect(await differenceFromDcmtk(fileOf(name))).toBeLessThanOrEqual(1);
    },
  );

  // DCMTK rounds between interpolation and conversion, and its factors of the conversion have 16 bits.
  it.each(['+s4', '+s2', '+cr'])(
    'JPEG colours of 12 bits differ by at most 3 from DCMTK: %s',
    async (option) => {
      const compressed = await byDcmtk('dcmcjpeg', ['+ee', option], colours());
      expect(transferSyntaxOf(compressed)).toBe('1.2.840.10008.1.2.4.51');
      expect(await differenceFromDcmtk(compressed)).toBeLessThanOrEqual(3);
    },
  );
});

/** The largest difference between our samples of 16 bits and those of `dcmdjpeg`. */
async function differenceFromDcmtk(file: Buffer): Promise<number> {
  const ours = await decodedPixels(file);
  const theirs = (await byDcmtk('dcmdjpeg', ['+te'], file)).subarray(-ours.length);
  let most = 0;
  for (let at = 0; at < ours.length; at += 2)
    most = Math.max(most, Math.abs(ours.readUInt16LE(at) - theirs.readUInt16LE(at)));
  return most;
}

/** An uncompressed image with smooth colours of 12 bits. */
function colours(): Buffer {
  const [rows, columns] = [38, 50];
  const values = Array.from({ length: rows * columns }, (_, at) => {
    const [x, y] = [at % columns, Math.floor(at / columns)];
    return [x * 80, y * 105, 2048 + Math.round(1500 * Math.sin(x / 9) * Math.cos(y / 7))];
  }).flat();
  const form = { samples: 3, photometric: 'RGB', planar: 0, rows, columns, allocated: 16, stored: 12 };
  return testFile({ ...form, bytes: Buffer.from(bytesOf(values, 2)) });
}
