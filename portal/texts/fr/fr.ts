import type { Texts } from '../en/en.ts';
import { frameFr } from './frame.texts.ts';
import { imagesFr } from './images.texts.ts';

export const fr: Texts = { ...frameFr, ...imagesFr };
