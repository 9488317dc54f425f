import { z } from 'zod';
import { NotVisible } from '../../problems/errors.js';

const MAX_FRAMES = 10_000;

/** Frame numbers, separated by commas. Any number of digits is accepted: a frame number that does not exist is answered with 404, not 400. */
export const FrameList = z
  .string()
  .max(60_000)
  .regex(/^\d+(,\d+)*$/)
  .transform((text) => text.split(',').map(Number))
  .refine((frames) => frames.length <= MAX_FRAMES);

/** The list, when each frame is from 1 to `last`. Throws `NotVisible` otherwise. */
export function framesWithin(frames: readonly number[], last: number): readonly [number, ...number[]] {
  const [first, ...rest] = frames;
  if (first === undefined || frames.some((frame) => frame < 1 || frame > last)) throw new NotVisible();
  return [first, ...rest];
}
