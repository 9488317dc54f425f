import type { Texts } from '../en/en.ts';
import { frame } from './frame.texts.ts';
import { images } from './images.texts.ts';

export const fr: Texts = { ...frame, ...images };
