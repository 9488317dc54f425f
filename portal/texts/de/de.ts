import type { Texts } from '../en/en.ts';
import { frameDe } from './frame.texts.ts';
import { imagesDe } from './images.texts.ts';

export const de: Texts = { ...frameDe, ...imagesDe };
