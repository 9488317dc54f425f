import type { Texts } from '../en/en.ts';
import { framePt } from './frame.texts.ts';
import { imagesPt } from './images.texts.ts';

export const pt: Texts = { ...framePt, ...imagesPt };
