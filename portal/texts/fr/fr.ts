import type { Texts } from '../en/en.ts';
import { accessFr } from './access.texts.ts';
import { factorsFr } from './factors.texts.ts';
import { frameFr } from './frame.texts.ts';
import { imagesFr } from './images.texts.ts';
import { recordsFr } from './records.texts.ts';
import { reviewsFr } from './reviews.texts.ts';
import { systemFr } from './system.texts.ts';
import { uploadsFr } from './uploads.texts.ts';

export const fr: Texts = {
  ...frameFr,
  ...imagesFr,
  ...accessFr,
  ...recordsFr,
  ...reviewsFr,
  ...systemFr,
  ...factorsFr,
  ...uploadsFr,
};
