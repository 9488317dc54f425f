import { createInstance } from 'i18next';
import { initReactI18next } from 'react-i18next';
import { en, type Texts } from './en/en.ts';
import { isLanguage, keepLanguage, type Language, languageOfBrowser } from './languages.ts';

const texts = createInstance();
const OTHERS: Record<Exclude<Language, 'en'>, () => Promise<Texts>> = {
  pt: async () => (await import('./pt/pt.ts')).pt,
  fr: async () => (await import('./fr/fr.ts')).fr,
  de: async () => (await import('./de/de.ts')).de,
};

async function load(language: Language): Promise<void> {
  if (language === 'en' || texts.hasResourceBundle(language, 'translation')) return;
  texts.addResourceBundle(language, 'translation', await OTHERS[language]());
}

/** Loads the texts of the preferred language. It must be called once, before the first page is drawn. */
export async function startTexts(): Promise<void> {
  const language = languageOfBrowser();
  await texts.use(initReactI18next).init({
    lng: 'en',
    fallbackLng: 'en',
    resources: { en: { translation: en } },
    // Names of texts, such as `studies:read`, may contain a colon.
    nsSeparator: false,
    // React escapes the texts.
    interpolation: { escapeValue: false },
  });
  await chooseLanguage(language, false);
}

/** Changes the language of all pages. The choice is kept in this browser. */
export async function chooseLanguage(language: Language, keep = true): Promise<void> {
  await load(language);
  await texts.changeLanguage(language);
  document.documentElement.lang = language;
  if (keep) keepLanguage(language);
}

/**
 * Returns the tag that formats dates and numbers: the browser's own variant of the language, such as `en-GB`, or else the language.
 */
export function localeOf(language: string, browser: readonly string[]): string {
  return browser.find((tag) => tag.toLowerCase().startsWith(`${language}-`)) ?? language;
}

/** The language of the pages now. */
export function currentLanguage(): Language {
  return isLanguage(texts.language) ? texts.language : 'en';
}
