import { useTranslation } from 'react-i18next';
import {
  readableBytes,
  readableDay,
  readableMoment,
  readableNumber,
  readablePercent,
} from './readable.values.ts';
import { localeOf } from '../texts/texts.ts';

/** Writes dates and numbers as the language of the page does. */
export interface Formats {
  readonly day: (day: string) => string;
  readonly moment: (moment: string) => string;
  readonly number: (value: number) => string;
  readonly bytes: (value: number) => string;
  /** A number from 0 to 100. */
  readonly percent: (value: number) => string;
}

export function useFormats(): Formats {
  const { i18n } = useTranslation();
  const locale = localeOf(i18n.language, navigator.languages);
  return {
    day: (day) => readableDay(day, locale),
    moment: (moment) => readableMoment(moment, locale),
    number: (value) => readableNumber(value, locale),
    bytes: (value) => readableBytes(value, locale),
    percent: (value) => readablePercent(value, locale),
  };
}
