import {
  MOST_REQUESTED,
  PROCEDURE_ID,
  REQUEST_ATTRIBUTES,
  type RequestedStep,
  STEP_ID,
} from '../requested.steps.js';
import type { Encoding } from '../element.decoder.js';
import type { VisitedElement } from './element.visitor.js';
import { textOf } from './header.value.js';

/** Request Attributes Sequence. */
export const REQUESTS = Number.parseInt(REQUEST_ATTRIBUTES, 16);
const CHARACTER_SET = 0x00080005;
const NAMES = new Map([STEP_ID, PROCEDURE_ID, '00080005'].map((tag) => [Number.parseInt(tag, 16), tag]));

/** Collects the IDs in the items of Request Attributes Sequence (PS3.3 table 10-9). */
export class RequestCollector {
  readonly #encoding: Encoding;
  #items: { step: string; procedure: string }[] = [];
  #item = { step: '', procedure: '' };
  #characterSet = '';

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
  }

  /** The collected items. Each item has at least one ID. */
  get found(): readonly RequestedStep[] {
    return this.#items;
  }

  wants(tag: number): boolean {
    return NAMES.has(tag);
  }

  /** Called when the sequence begins. If the data set contains the sequence twice, the second one is used. */
  begin(): void {
    this.#items = [];
  }

  /**
   * Called when an item begins. `characterSet` is the character set of the data set. It applies unless the item contains its own character
   * set.
   */
  item(characterSet: string): void {
    this.#item = { step: '', procedure: '' };
    this.#characterSet = characterSet;
  }

  take({ tag, vr }: VisitedElement, bytes: Buffer): void {
    const name = NAMES.get(tag) ?? '';
    const text = textOf(name, vr, bytes, this.#encoding, this.#characterSet) ?? '';
    if (tag === CHARACTER_SET) this.#characterSet = text;
    else if (name === STEP_ID) this.#item.step = text;
    else this.#item.procedure = text;
    const isNewItem = tag !== CHARACTER_SET && text !== '' && !this.#items.includes(this.#item);
    if (isNewItem && this.#items.length < MOST_REQUESTED) this.#items.push(this.#item);
  }
}
