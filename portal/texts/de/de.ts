import type { Texts } from '../en/en.ts';
import { accessDe } from './access.texts.ts';
import { factorsDe } from './factors.texts.ts';
import { frameDe } from './frame.texts.ts';
import { imagesDe } from './images.texts.ts';
import { recordsDe } from './records.texts.ts';
import { reviewsDe } from './reviews.texts.ts';
import { systemDe } from './system.texts.ts';
import { uploadsDe } from './uploads.texts.ts';

export const de: Texts = {
  ...frameDe,
  ...imagesDe,
  ...accessDe,
  ...recordsDe,
  ...reviewsDe,
  ...systemDe,
  ...factorsDe,
  ...uploadsDe,
};
