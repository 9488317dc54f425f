import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { makePdf } from '../../infra/demo/pdf.maker.ts';

const execute = promisify(execFile);

/** A gradient with some noise, so that each picture is another file and each corner has another colour. */
export function samplesOf(width: number, height: number, channels: 1 | 3 | 4): Buffer {
  const noise = randomBytes(1)[0] ?? 0;
  const samples = Array.from({ length: width * height * channels }, (_, at) => {
    const [pixel, channel] = [Math.floor(at / channels), at % channels];
    if (channel === 3) return 255;
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    return (channel === 0 ? x * 5 : channel === 1 ? y * 7 : x + y + noise) & 255;
  });
  return Buffer.from(samples);
}

/** A picture of random colours. */
export const picture = (width = 48, height = 32, channels: 1 | 3 | 4 = 3) =>
  sharp(samplesOf(width, height, channels), { raw: { width, height, channels } });

export const jpegOf = (width = 48, height = 32) => picture(width, height).jpeg({ quality: 90 }).toBuffer();
export const pngOf = (width = 48, height = 32) => picture(width, height).png().toBuffer();
export const pdfOf = () => makePdf('Letter', [`number ${randomBytes(8).toString('hex')}`]);

/** The program dciodvfy of dicom3tools, if the machine has it. */
const validator = [
  process.env['DCIODVFY'] ?? '',
  ...(process.env['PATH'] ?? '').split(delimiter).map((dir) => join(dir, 'dciodvfy')),
].find((path) => path !== '' && existsSync(path));

/** The errors that dciodvfy finds in a DICOM file. Without the program, there are none. */
export async function errorsOf(file: Buffer): Promise<string[]> {
  if (validator === undefined) return [];
  const dir = await mkdtemp(join(tmpdir(), 'radgate-dciodvfy-'));
  try {
    await writeFile(join(dir, 'in'), file);
    const ended = await execute(validator, [join(dir, 'in')]).catch((error: unknown) => error);
    const text =
      typeof ended === 'object' && ended !== null && 'stderr' in ended ? String(ended.stderr) : String(ended);
    return text.split('\n').filter((line) => line.startsWith('Error'));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
