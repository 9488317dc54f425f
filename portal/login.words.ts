import { loginEn, type LoginTexts } from './texts/en/login.texts.ts';
import { keepLanguage, type Language, languageOfBrowser } from './texts/languages.ts';

type LoginWord = keyof LoginTexts;

const OTHERS: Record<Exclude<Language, 'en'>, () => Promise<LoginTexts>> = {
  pt: async () => (await import('./texts/pt/login.texts.ts')).loginPt,
  fr: async () => (await import('./texts/fr/login.texts.ts')).loginFr,
  de: async () => (await import('./texts/de/login.texts.ts')).loginDe,
};

let texts: LoginTexts = loginEn;
let language: Language = 'en';

/** The language of the sign-in page now. */
export function loginLanguage(): Language {
  return language;
}

/** Returns a text of the sign-in page in its language. `values` replace the placeholders. */
export function word(name: LoginWord, values: Readonly<Record<string, string>> = {}): string {
  return texts[name].replaceAll(/\{\{(\w+)\}\}/g, (_, key: string) => values[key] ?? '');
}

function isWord(name: string | undefined): name is LoginWord {
  return name !== undefined && Object.hasOwn(loginEn, name);
}

/**
 * Writes the page in this language. The attribute `data-text` of an element names its text, and `data-label` its label. If the texts cannot be
 * loaded, the page stays as it is.
 */
async function write(next: Language): Promise<void> {
  try {
    texts = next === 'en' ? loginEn : await OTHERS[next]();
    language = next;
  } catch {
    // The page was published again, or the network is away. English is part of the page.
  }
  document.documentElement.lang = language;
  document.title = word('page');
  for (const element of document.querySelectorAll<HTMLElement>('[data-text], [data-label]')) {
    const { text, label } = element.dataset;
    if (isWord(text)) element.textContent = word(text);
    if (isWord(label)) element.setAttribute('aria-label', word(label));
  }
}

/** Writes the page in the language that the person has chosen before, or else in the first language of the browser. */
export function startWords(): Promise<void> {
  return write(languageOfBrowser());
}

/** Writes the page in the chosen language, and keeps the choice in this browser. */
export async function chooseWords(next: Language): Promise<void> {
  keepLanguage(next);
  await write(next);
}
