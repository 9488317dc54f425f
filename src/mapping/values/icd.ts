/**
 * ICD-10 and its national versions (ICD-10-CM, ICD-10-GM, CID-10): a category of a letter and two digits, and up to four more characters.
 * ICD-10-CM also has eight categories that end with a letter. The signs † * + ! mark the kind of a code and are not part of it.
 */
const CODE = /(?<category>[A-Z]\d\d|C4A|C7[AB]|D3A|I5A|M1A|O9A|Z3A)\.?(?<detail>[0-9A-Z]{1,4})?[†*+!]?/u
  .source;
const ALONE = new RegExp(`^${CODE}$`, 'iu');
/** `E11.9 Type 2 diabetes` or `I10 - Hypertension`. Without a dot or a sign, "T12 fracture" could be a place in the spine. */
const BEFORE_TEXT =
  /^[([]?(?<code>[A-Z]\d[0-9A-Z]\.[0-9A-Z]{1,4}[†*+!]?)[)\]]?\s+(?:[-–—:]\s*)?(?<text>\S.*)$/isu;
const BEFORE_SIGN = /^(?<code>[A-Z]\d[0-9A-Z.]{1,6}[†*+!]?)\s*(?:[-–—]\s+|:\s*)(?<text>\S.*)$/isu;
/** `Type 2 diabetes (E11.9)`. */
const AFTER_TEXT = /^(?<text>.*\S)\s*[([](?<code>[A-Z]\d[0-9A-Z.]{1,6}[†*+!]?)[)\]]$/isu;

/** ICD-10-CM has letters after the dot. In the other versions, such a letter is a note, for example `E11.90V` (suspected). */
const WITH_LETTERS = /icd-10-cm$|6\.90$/u;

/**
 * The notes of German lists after a code. G is certain, and L, R and B are sides of the body. V (suspected), A (excluded) and Z (formerly) say
 * that the patient does not have the disease.
 */
const CERTAIN = /^[GLRB](?:[\s,;]+[GLRB])*$/iu;
const DOUBTFUL = /(?:^|[\s,;])[VAZ]$|^[VAZ](?:[\s,;]|$)/iu;

/**
 * The ICD-10 code of a text, with its dot: `e119` is `E11.9`. The value is undefined for another text. `system` is the URI of the version of
 * ICD-10. Without it, letters after the dot are allowed.
 */
export function icdCode(text: string, system?: string): string | undefined {
  const written = text.trim().toUpperCase().replace(/\.?-$/u, '');
  const { category, detail } = ALONE.exec(written)?.groups ?? {};
  if (category === undefined) return undefined;
  const isPlain = /^[A-Z]\d\d$/u.test(category) && /^\d{0,2}$/u.test(detail ?? '');
  if (system !== undefined && !WITH_LETTERS.test(system) && !isPlain) return undefined;
  return detail === undefined ? category : `${category}.${detail}`;
}

/** A text that contains an ICD-10 code. `words` is the text beside the code, or the code itself if there is no other text. */
export interface CodedText {
  readonly code: string;
  readonly words: string;
}

/**
 * Finds an ICD-10 code that is the whole text, or stands before the words or in brackets after them. A code with the note that the patient
 * does not have the disease is not found, so that a person decides about the text.
 */
export function findIcdCode(text: string, system?: string): CodedText | undefined {
  const alone = icdCode(text, system);
  if (alone !== undefined) return { code: alone, words: text };
  for (const pattern of [BEFORE_TEXT, BEFORE_SIGN, AFTER_TEXT]) {
    const { code = '', text: words } = pattern.exec(text)?.groups ?? {};
    const found = icdCode(code, system);
    if (found === undefined || words === undefined) continue;
    if (CERTAIN.test(words)) return { code: found, words: code };
    return DOUBTFUL.test(words) ? undefined : { code: found, words };
  }
  return undefined;
}
