/** The languages of the pages, by their own names. */
export const LANGUAGES = { en: 'English', pt: 'Português', fr: 'Français', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;
/** The languages in the order of menus. */
export const LANGUAGE_CODES: readonly Language[] = ['en', 'pt', 'fr', 'de'];

const CHOSEN = 'radgate-language';

export function isLanguage(text: string | null | undefined): text is Language {
  return text !== null && text !== undefined && Object.hasOwn(LANGUAGES, text);
}

/** Returns the chosen language, or else the first language of the browser that the pages have. */
export function preferredLanguage(chosen: string | null, browser: readonly string[]): Language {
  if (isLanguage(chosen)) return chosen;
  return browser.map((tag) => tag.toLowerCase().split('-')[0]).find(isLanguage) ?? 'en';
}

/** The language that the person has chosen in this browser, or else the first language of the browser that the pages have. */
export function languageOfBrowser(): Language {
  return preferredLanguage(localStorage.getItem(CHOSEN), navigator.languages);
}

/** Keeps the chosen language in this browser. */
export function keepLanguage(language: Language): void {
  localStorage.setItem(CHOSEN, language);
}
