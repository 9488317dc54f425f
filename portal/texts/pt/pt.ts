import type { Texts } from '../en/en.ts';
import { accessPt } from './access.texts.ts';
import { factorsPt } from './factors.texts.ts';
import { framePt } from './frame.texts.ts';
import { imagesPt } from './images.texts.ts';
import { recordsPt } from './records.texts.ts';
import { reviewsPt } from './reviews.texts.ts';
import { systemPt } from './system.texts.ts';
import { uploadsPt } from './uploads.texts.ts';

export const pt: Texts = {
  ...framePt,
  ...imagesPt,
  ...accessPt,
  ...recordsPt,
  ...reviewsPt,
  ...systemPt,
  ...factorsPt,
  ...uploadsPt,
};
