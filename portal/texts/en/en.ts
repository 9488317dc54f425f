import { accessEn } from './access.texts.ts';
import { factorsEn } from './factors.texts.ts';
import { frameEn } from './frame.texts.ts';
import { imagesEn } from './images.texts.ts';
import { recordsEn } from './records.texts.ts';
import { reviewsEn } from './reviews.texts.ts';
import { systemEn } from './system.texts.ts';
import { uploadsEn } from './uploads.texts.ts';

/** All texts in English. The other languages have the same names. */
export const en = {
  ...frameEn,
  ...imagesEn,
  ...accessEn,
  ...recordsEn,
  ...reviewsEn,
  ...systemEn,
  ...factorsEn,
  ...uploadsEn,
};

/** The shape of the texts of every language: the names of the English texts. */
export type Texts = ShapeOf<typeof en>;
export type ShapeOf<T> = { readonly [Name in keyof T]: T[Name] extends string ? string : ShapeOf<T[Name]> };
