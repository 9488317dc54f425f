import { z } from 'zod';

const FRAMES_AT_MOST = 10_000;

/** Frame numbers from 1, separated by commas. */
export const FrameList = z
  .string()
  .max(60_000)
  .regex(/^\d{1,9}(,\d{1,9})*$/)
  .transform((text) => text.split(',').map(Number))
  .refine((frames) => frames.length <= FRAMES_AT_MOST);
