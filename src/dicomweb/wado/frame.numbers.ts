import { z } from 'zod';
import { NotVisible } from '../../problems/errors.js';

const MAX_FRAMES = 10_000;

/** Frame numbers, separated by commas. Any number of digits is accepted, so that a large number gives 404 (no such frame), and not 400. */
export const FrameList = z
  .string()
  .max(60_000)
  .regex(/^\d+(,\d+)*$/)
  .transform((text) => text.split(',').map(Number))
  .refine((frames) => frames.length <= MAX_FRAMES);

/** Returns the list if each frame number is from 1 to `last`. Otherwise throws `NotVisible`. */
export function framesWithin(frames: readonly number[], last: number): readonly [number, ...number[]] {
  const [first, ...rest] = frames;
  if (first === undefined || frames.some((frame) => frame < 1 || frame > last)) throw new NotVisible();
  return [first, ...rest];
}
