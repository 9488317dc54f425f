import type { ElementVisitor, Encoding, TopElement } from '../element.head.js';
import type { ReferenceCollector } from './header.references.js';
import { REQUESTS, RequestCollector } from './header.requests.js';
import { DicomUnreadable } from '../dicom.unreadable.js';
import { textOf } from './header.value.js';

/** Specific Character Set: needed to read any other text. */
export const CHARACTER_SET = '00080005';

/** Pixel data in its three forms and the encapsulated document: what comes from here on is content. */
const CONTENT = new Set([0x7fe00008, 0x7fe00009, 0x7fe00010, 0x00420011]);

/** What the header of a data set may cost. */
export interface CollectorLimits {
  maxBytes: number;
  maxValueBytes: number;
}

/** Collects the values asked for until the content begins, and afterwards sees to it that none of them comes late. */
export class AttributeCollector implements ElementVisitor {
  readonly attributes = new Map<string, string>();
  readonly requests: RequestCollector;
  readonly #tags: ReadonlyMap<number, string>;
  readonly #lastTag: number;
  readonly #encoding: Encoding;
  readonly #limits: CollectorLimits;
  readonly #references: ReferenceCollector | undefined;
  readonly #isSequence: (tag: number) => boolean;
  #highest = -1;
  #complete = false;
  #reachedContent = false;

  constructor(
    tags: Iterable<string>,
    encoding: Encoding,
    limits: CollectorLimits,
    references?: ReferenceCollector,
    isSequence: (tag: number) => boolean = () => false,
  ) {
    this.requests = new RequestCollector(encoding);
    this.#isSequence = isSequence;
    this.#references = references;
    this.#tags = new Map([...tags].map((tag) => [Number.parseInt(tag, 16), tag.toUpperCase()]));
    this.#lastTag = Math.max(...this.#tags.keys());
    this.#encoding = encoding;
    this.#limits = limits;
  }

  /** Whether the header is over. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Whether all before the content was seen, not just all that was asked for. */
  get reachedContent(): boolean {
    return this.#reachedContent;
  }

  /** Whether an end of the header would lose nothing asked for. */
  get sufficient(): boolean {
    return this.#highest >= this.#lastTag;
  }

  element({ tag, length, end }: TopElement): boolean {
    const wanted = this.#tags.has(tag);
    if (tag === REQUESTS) this.requests.begin();
    // The archive might take the other of two, or read on where we stopped: what is asked for is where it belongs, and once.
    if (wanted && tag <= this.#highest)
      throw new DicomUnreadable('structure', 'an element is out of order or there twice');
    this.#highest = Math.max(this.#highest, tag);
    if (this.#complete) return false;
    if (CONTENT.has(tag)) {
      this.#complete = true;
      this.#reachedContent = true;
      return false;
    }
    if (wanted && length > this.#limits.maxValueBytes && length !== Infinity) throw tooLarge('a value');
    if (length !== Infinity && end > this.#limits.maxBytes) {
      if (tag <= this.#lastTag) throw tooLarge('the header');
      this.#complete = true;
    }
    return wanted;
  }

  /** References hide in any sequence that the standard knows. What is UN the archive does not look into, but who reads the file may. */
  isSequence({ tag, vr }: TopElement): boolean {
    if (vr === '' && tag === REQUESTS) return true;
    return (vr === '' || vr === 'UN') && this.#references !== undefined && this.#isSequence(tag);
  }

  item(within: number): void {
    if (within === REQUESTS) this.requests.item(this.attributes.get(CHARACTER_SET) ?? '');
  }

  nested(tag: number, within: number, isNear: boolean): boolean {
    if (isNear && within === REQUESTS && this.requests.wants(tag)) return true;
    return this.#references?.wants(tag, within) ?? false;
  }

  nestedValue(element: TopElement, bytes: Buffer): void {
    if (this.requests.wants(element.tag)) this.requests.take(element, bytes);
    else this.#references?.take(element.tag, bytes);
  }

  value({ tag, vr }: TopElement, bytes: Buffer): void {
    const name = this.#tags.get(tag) ?? '';
    const text = textOf(name, vr, bytes, this.#encoding, this.attributes.get(CHARACTER_SET) ?? '');
    if (text !== undefined) this.attributes.set(name, text);
  }
}

function tooLarge(what: string): DicomUnreadable {
  return new DicomUnreadable('too-large', `${what} is longer than allowed`);
}
