import type { DataSetBytes } from '../data.set.bytes.js';
import { encodeHead } from '../data.set.recoder.js';
import { DicomUnreadable } from '../dicom.unreadable.js';
import type { Dictionary } from '../dictionary.js';
import {
  type ElementHead,
  EXPLICIT_LITTLE,
  fault,
  isDelimiter,
  ITEM,
  ITEM_END,
  MAX_READ_DEPTH,
  PIXEL_DATA,
  SEQUENCE_END,
  UNDEFINED_LENGTH,
} from '../element.decoder.js';
import { encodeElement } from '../media/directory.values.js';
import { CodedConcept } from './coded.concept.js';
import type { DeidentificationOptions } from './deidentification.options.js';
import { elementAction, type ElementAction } from './element.action.js';
import type { Pseudonyms } from './pseudonyms.js';
import {
  eachValue,
  harmlessValues,
  holdsText,
  knownWords,
  movedValues,
  replacementFor,
} from './value.cleaning.js';

/** Whose data it is, and how it is cleaned. */
export interface Cleaning {
  readonly options: DeidentificationOptions;
  readonly pseudonyms: Pseudonyms;
  /** The number of days by which dates are moved. */
  readonly days: number;
  readonly dictionary: Dictionary;
}

/** An element of the top level that was read: the elements before the pixels in whole, the pixels in pieces. */
export interface CleanElement {
  readonly tag: number;
  /** The value as it was stored, if it is short. The caller decides with it whether the copy may be handed out. */
  readonly stored: Buffer | undefined;
  readonly pieces: AsyncGenerator<Buffer>;
}

/** A longer stored value is not given to the caller. */
const LONGEST_FACT = 1024;

/**
 * Removes what can identify a person from a data set in Explicit VR Little Endian (PS3.15 §E.1). Sequences are written with undefined
 * lengths. Throws `DicomUnreadable` when the bytes are not such a data set, or when its pixels are compressed, because compressed pixels
 * can contain comments.
 */
export class Deidentifier {
  readonly #bytes: DataSetBytes;
  readonly #cleaning: Cleaning;

  constructor(bytes: DataSetBytes, cleaning: Cleaning) {
    this.#bytes = bytes;
    this.#cleaning = cleaning;
  }

  /** The elements of the top level. The caller must read all pieces of an element before the next one. */
  async *elements(): AsyncGenerator<CleanElement> {
    const concept = new CodedConcept();
    let last = 0;
    for (
      let head = await this.#bytes.head(EXPLICIT_LITTLE, true);
      head !== undefined;
      head = await this.#bytes.head(EXPLICIT_LITTLE, true)
    ) {
      if (isDelimiter(head.tag)) throw fault.misplacedDelimiter();
      const { tag, length } = head;
      // Two readers could use different values, and an element after the pixels would come too late to hold the copy back.
      if (tag <= last) throw new DicomUnreadable('structure', 'elements are repeated or out of order');
      last = tag;
      if (tag === PIXEL_DATA && length === UNDEFINED_LENGTH) throw fault.undefinedLength();
      const action = this.#actionOf(head);
      const isShort = length <= LONGEST_FACT && head.vr !== 'SQ';
      const stored = isShort ? await this.#bytes.take(length) : undefined;
      yield { tag, stored, pieces: this.#element(head, stored, action, concept, 0) };
    }
  }

  async *#dataSet(end: number, depth: number): AsyncGenerator<Buffer> {
    const concept = new CodedConcept();
    while (this.#bytes.at < end) {
      const head = await this.#bytes.head(EXPLICIT_LITTLE, false);
      if (head?.tag === ITEM_END && end === Infinity) break;
      if (head === undefined || isDelimiter(head.tag)) throw fault.misplacedDelimiter();
      // Pixels inside a sequence are those of an icon or of a private copy. They are not needed.
      const action = head.tag === PIXEL_DATA ? 'remove' : this.#actionOf(head);
      yield* this.#element(head, undefined, action, concept, depth);
    }
    if (end !== Infinity && this.#bytes.at > end) throw fault.tooLong();
    yield* concept.rest();
  }

  #actionOf({ tag, vr }: ElementHead): ElementAction {
    const { dictionary, options } = this.#cleaning;
    const listed = dictionary.representationOf(tag.toString(16).padStart(8, '0').toUpperCase());
    return elementAction(tag, vr, listed, options);
  }

  async *#element(
    head: ElementHead,
    taken: Buffer | undefined,
    action: ElementAction,
    concept: CodedConcept,
    depth: number,
  ): AsyncGenerator<Buffer> {
    const { tag, vr, length } = head;
    yield* concept.until(tag);
    if (action === 'items' || (action === 'keep' && vr === 'SQ')) {
      yield encodeHead(tag, 'SQ', UNDEFINED_LENGTH, EXPLICIT_LITTLE);
      yield* this.#items(this.#bytes.endOf(length), depth);
      return;
    }
    if (action === 'remove') {
      if (taken === undefined) await this.#bytes.skipValue(head, EXPLICIT_LITTLE, depth);
      return;
    }
    if (action === 'empty') {
      if (taken === undefined) await this.#bytes.skipValue(head, EXPLICIT_LITTLE, depth);
      yield encodeHead(tag, vr, 0, EXPLICIT_LITTLE);
      return;
    }
    if (length === UNDEFINED_LENGTH) throw fault.undefinedLength();
    if (action === 'keep') {
      yield encodeHead(tag, vr, length, EXPLICIT_LITTLE);
      yield* taken === undefined ? this.#bytes.pass(length) : [taken];
      return;
    }
    const value = taken ?? (await this.#bytes.take(length));
    if (action === 'number') {
      yield encodeElement(tag, vr, holdsText(value) ? '' : value);
      return;
    }
    const text = value.toString('latin1');
    if (action === 'code') yield* concept.add(tag, vr, text);
    else yield encodeElement(tag, vr, this.#cleaned(action, vr, text));
  }

  #cleaned(action: ElementAction, vr: string, text: string): string {
    const { pseudonyms, days } = this.#cleaning;
    // An empty value stays empty, and reveals nothing.
    if (text.trim() === '') return '';
    if (action === 'uid') return eachValue(text, (uid) => (uid === '' ? '' : pseudonyms.uid(uid)));
    if (action === 'date') return movedValues(vr, text, days);
    if (action === 'check') return harmlessValues(vr, text);
    if (action === 'describe') return knownWords(text).slice(0, vr === 'SH' ? 16 : 64);
    return replacementFor(vr);
  }

  async *#items(end: number, depth: number): AsyncGenerator<Buffer> {
    if (depth === MAX_READ_DEPTH) throw fault.tooDeep();
    for (
      let itemEnd = await this.#bytes.item(EXPLICIT_LITTLE, end);
      itemEnd !== undefined;
      itemEnd = await this.#bytes.item(EXPLICIT_LITTLE, end)
    ) {
      yield delimiter(ITEM, UNDEFINED_LENGTH);
      yield* this.#dataSet(itemEnd, depth + 1);
      yield delimiter(ITEM_END, 0);
    }
    yield delimiter(SEQUENCE_END, 0);
  }
}

function delimiter(tag: number, length: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
  head.writeUInt32LE(length, 4);
  return head;
}
