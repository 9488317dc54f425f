import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { jpegParts } from '../../src/pixels/pictures/jpeg.segments.js';
import { openJpeg } from '../../src/pixels/pictures/jpeg.picture.js';
import { openPng } from '../../src/pixels/pictures/png.picture.js';
import { PixelsRefused } from '../../src/pixels/pixels.refused.js';
import { longForm } from '../support/long.form.ts';

const [width, height] = [24, 16];
const samples = Buffer.from(Array.from({ length: width * height * 3 }, (_, at) => (at * 37) & 255));
const source = () => sharp(samples, { raw: { width, height, channels: 3 } });

/** A generator of numbers from 0 to `below`, the same in each run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Changes some bytes of a file after its first bytes, or cuts it. */
function mutated(file: Buffer, from: number, next: (below: number) => number): Buffer {
  const copy = Buffer.from(file);
  for (let left = 1 + next(4); left > 0; left -= 1) copy[from + next(copy.length - from)] = next(256);
  return next(8) === 0 ? copy.subarray(0, from + next(copy.length - from)) : copy;
}

/** Corrects the checksums of a PNG, so that a mutation reaches the decoder. */
function withChecksums(file: Buffer): Buffer {
  for (let at = 8; at + 12 <= file.length;) {
    const end = at + 12 + file.readUInt32BE(at);
    if (end > file.length) break;
    file.writeUInt32BE(crc32(file.subarray(at + 4, end - 4)), end - 4);
    at = end;
  }
  return file;
}

/** Opens a file. A refusal is a `PixelsRefused`; a trap of the codec ends a worker, which the pool reports as a refusal. */
async function isRefused(open: () => unknown): Promise<boolean> {
  try {
    await open();
    return false;
  } catch (error) {
    if (!(error instanceof PixelsRefused) && !(error instanceof Error && error.name === 'RuntimeError'))
      throw error;
    return true;
  }
}

describe('mutated pictures are opened or refused, and nothing else happens', () => {
  it('PNG', async () => {
    const [plain, interlaced, palette] = await Promise.all([
      source().png().toBuffer(),
      source().png({ progressive: true }).toBuffer(),
      source().png({ palette: true, colours: 8 }).toBuffer(),
    ]);
    const next = numbers(1);
    let refused = 0;
    const most = longForm(10_000, 2_000);
    for (let at = 0; at < most; at += 1) {
      const file = withChecksums(mutated([plain, interlaced, palette][at % 3] ?? plain, 8, next));
      if (await isRefused(() => openPng(file))) refused += 1;
    }
    expect(refused).toBeGreaterThan(most / 10);
  });

  it('JPEG', async () => {
    const file = await source().withIccProfile('p3').withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const next = numbers(2);
    let refused = 0;
    const most = longForm(10_000, 4_000);
    for (let at = 0; at < most; at += 1)
      if (await isRefused(() => jpegParts(mutated(file, 2, next)))) refused += 1;
    expect(refused).toBeGreaterThan(most / 100);
    for (let at = 0; at < longForm(1_000, 50); at += 1)
      await isRefused(() => openJpeg(mutated(file, 2, next)));
  });

  it('a PNG that claims many pixels is refused before they are inflated', () => {
    for (const [columns, rows] of [
      [60_000, 60_000],
      [0x7fff_ffff, 1],
      [0, 8],
    ]) {
      const header = Buffer.alloc(25);
      header.writeUInt32BE(13, 0);
      header.write('IHDR', 4);
      header.writeUInt32BE(columns ?? 0, 8);
      header.writeUInt32BE(rows ?? 0, 12);
      header.set([8, 2, 0, 0, 0], 16);
      const end = Buffer.from('0000000049454e44ae426082', 'hex');
      const file = withChecksums(Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), header, end]));
      expect(() => openPng(file)).toThrow(PixelsRefused);
    }
  });
});
