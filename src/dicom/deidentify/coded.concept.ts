import { encodeElement } from '../media/directory.values.js';
import { trimSpacesAndNul } from '../padding.js';
import { knownWords } from './value.cleaning.js';

const CODE_VALUE = 0x00080100;
const SCHEME = 0x00080102;
const SCHEME_VERSION = 0x00080103;
const MEANING = 0x00080104;

/** The forms of a code in public coding schemes. A code of another scheme, or of another form, can be the name of a person. */
const FORMS: ReadonlyMap<string, RegExp> = new Map([
  ...['SRT', 'SNM3', '99SDM'].map((scheme) => [scheme, /^[A-Z]\d?-[0-9A-F]{4,5}$/] as const),
  ['SCT', /^[1-9]\d{5,17}$/],
  ['DCM', /^[1-9]\d{5}$/],
  ['LN', /^(?:LP)?\d{1,6}-\d$/],
  ['UCUM', /^[A-Za-z0-9%.{}[\]()/*'^+-]{1,11}$/],
  ['FMA', /^\d{1,6}$/],
  ['NCIt', /^C\d{3,6}$/],
  ['UMLS', /^C\d{7}$/],
  ['RADLEX', /^RID\d{1,6}$/],
  ['ISO3166_1', /^[A-Z]{2,3}$/],
  ['RFC5646', /^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,4})?$/],
]);

/**
 * The coded concept of one data set (PS3.3 §8). The code value comes before its coding scheme, so it is held until the scheme is known. The
 * concept stays if its scheme is public and its code has the form of that scheme. Its meaning is replaced, because it is free text: by
 * known words, or by the code. All other concepts are replaced as a whole.
 */
export class CodedConcept {
  #code: { readonly tag: number; readonly vr: string; readonly text: string } | undefined;
  #kept: string | undefined;

  /** Adds an element of a concept and returns the elements that can be written now. */
  *add(tag: number, vr: string, text: string): Generator<Buffer> {
    const value = trimSpacesAndNul(text);
    if (tag === CODE_VALUE) this.#code = { tag, vr, text: value };
    else if (tag === SCHEME) yield* this.#scheme(vr, value);
    else if (tag === SCHEME_VERSION) {
      // The version is left out. It is optional for public schemes (PS3.3 §8.2).
    } else if (tag === MEANING) yield encodeElement(tag, vr, this.#meaning(value));
    // Long Code Value and URN Code Value come after the scheme and the meaning.
    else yield encodeElement(tag, vr, 'REMOVED');
  }

  /** The code that is still held, before an element that is not its scheme. */
  *until(tag: number): Generator<Buffer> {
    if (tag !== SCHEME) yield* this.rest();
  }

  /** The element that is still held at the end of the data set: a code without a scheme. */
  *rest(): Generator<Buffer> {
    if (this.#code !== undefined) yield encodeElement(this.#code.tag, this.#code.vr, 'REMOVED');
    this.#code = undefined;
  }

  *#scheme(vr: string, scheme: string): Generator<Buffer> {
    const code = this.#code;
    this.#code = undefined;
    const isPublic = code !== undefined && FORMS.get(scheme)?.test(code.text) === true;
    if (isPublic) this.#kept = code.text;
    if (code !== undefined) yield encodeElement(code.tag, code.vr, isPublic ? code.text : 'REMOVED');
    yield encodeElement(SCHEME, vr, isPublic ? scheme : '99REMOVED');
  }

  #meaning(text: string): string {
    const words = knownWords(text);
    if (this.#kept === undefined) return 'REMOVED';
    return words === '' ? this.#kept : words.slice(0, 64);
  }
}
