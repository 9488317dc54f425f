import { z } from 'zod';

const FRAMES_AT_MOST = 10_000;

/** Frame numbers from 1, separated by commas; however many digits they have, they are numbers, of frames that are not there. */
export const FrameList = z
  .string()
  .max(60_000)
  .regex(/^\d+(,\d+)*$/)
  .transform((text) => text.split(',').map(Number))
  .refine((frames) => frames.length <= FRAMES_AT_MOST);
