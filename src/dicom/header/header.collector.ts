import { type Encoding, PIXEL_DATA } from '../element.decoder.js';
import type { ElementVisitor, VisitedElement } from './element.visitor.js';
import type { ReferenceCollector } from './header.references.js';
import { REQUESTS, RequestCollector } from './header.requests.js';
import { DicomUnreadable } from '../dicom.unreadable.js';
import { textOf } from './header.value.js';

/** Specific Character Set. It is needed to decode all other text. */
export const CHARACTER_SET = '00080005';

/** The three kinds of pixel data (float, double float, integer) and the encapsulated document. The header ends before these elements. */
const CONTENT = new Set([0x7fe00008, 0x7fe00009, PIXEL_DATA, 0x00420011]);

/** Limits for the header of a data set. */
export interface CollectorLimits {
  maxBytes: number;
  maxValueBytes: number;
}

/**
 * Collects the requested values until the content begins. Throws `DicomUnreadable` when a requested element is duplicate or out of order,
 * even if it comes after the content.
 */
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

  /** Whether the header has ended. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Whether the content was reached. If so, all elements before it have been read. */
  get reachedContent(): boolean {
    return this.#reachedContent;
  }

  /** Whether the reader has passed all requested tags, so that the header can end here. */
  get sufficient(): boolean {
    return this.#highest >= this.#lastTag;
  }

  element({ tag, length, end }: VisitedElement): boolean {
    const isWanted = this.#tags.has(tag);
    if (tag === REQUESTS) this.requests.begin();
    // If an element occurs twice, Orthanc and the gateway could use different values. So a requested element must be in order and occur
    // once.
    if (isWanted && tag <= this.#highest)
      throw new DicomUnreadable('structure', 'an element is duplicate or out of order');
    this.#highest = Math.max(this.#highest, tag);
    if (this.#complete) return false;
    if (CONTENT.has(tag)) {
      this.#complete = true;
      this.#reachedContent = true;
      return false;
    }
    if (isWanted && length > this.#limits.maxValueBytes && length !== Infinity) throw tooLarge('a value');
    if (length !== Infinity && end > this.#limits.maxBytes) {
      if (tag <= this.#lastTag) throw tooLarge('the header');
      this.#complete = true;
    }
    return isWanted;
  }

  /**
   * Any sequence of the standard can contain references. A sequence with VR UN is read too: Orthanc does not read it, but other readers of
   * the file can.
   */
  isSequence({ tag, vr }: VisitedElement): boolean {
    if (vr === '' && tag === REQUESTS) return true;
    return (vr === '' || (vr === 'UN' && this.#references !== undefined)) && this.#isSequence(tag);
  }

  item(sequence: number): void {
    if (sequence === REQUESTS) this.requests.item(this.attributes.get(CHARACTER_SET) ?? '');
  }

  nested(tag: number, sequence: number, isDirect: boolean): boolean {
    if (isDirect && sequence === REQUESTS && this.requests.wants(tag)) return true;
    return this.#references?.wants(tag, sequence) ?? false;
  }

  nestedValue(element: VisitedElement, bytes: Buffer): void {
    if (this.requests.wants(element.tag)) this.requests.take(element, bytes);
    else this.#references?.take(element.tag, bytes);
  }

  value({ tag, vr }: VisitedElement, bytes: Buffer): void {
    const name = this.#tags.get(tag) ?? '';
    const text = textOf(name, vr, bytes, this.#encoding, this.attributes.get(CHARACTER_SET) ?? '');
    if (text !== undefined) this.attributes.set(name, text);
  }
}

function tooLarge(part: string): DicomUnreadable {
  return new DicomUnreadable('too-large', `${part} is longer than allowed`);
}
