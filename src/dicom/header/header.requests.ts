import {
  MOST_REQUESTED,
  PROCEDURE_ID,
  REQUEST_ATTRIBUTES,
  type RequestedStep,
  STEP_ID,
} from '../requested.steps.js';
import type { Encoding, TopElement } from '../element.head.js';
import { textOf } from './header.value.js';

/** Request Attributes Sequence. */
export const REQUESTS = Number.parseInt(REQUEST_ATTRIBUTES, 16);
const CHARACTER_SET = 0x00080005;
const NAMES = new Map([STEP_ID, PROCEDURE_ID, '00080005'].map((tag) => [Number.parseInt(tag, 16), tag]));

/** Collects what the items of Request Attributes Sequence (PS3.3 table 10-9) were asked by. */
export class RequestCollector {
  readonly #encoding: Encoding;
  #items: { step: string; procedure: string }[] = [];
  #item = { step: '', procedure: '' };
  #characters = '';

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
  }

  /** The items that say one of both. */
  get found(): readonly RequestedStep[] {
    return this.#items;
  }

  wants(tag: number): boolean {
    return NAMES.has(tag);
  }

  /** The sequence begins: should there be two, the later one counts. */
  begin(): void {
    this.#items = [];
  }

  /** An item begins, in the characters of the data set unless it names its own. */
  item(characters: string): void {
    this.#item = { step: '', procedure: '' };
    this.#characters = characters;
  }

  take({ tag, vr }: TopElement, bytes: Buffer): void {
    const name = NAMES.get(tag) ?? '';
    const text = textOf(name, vr, bytes, this.#encoding, this.#characters) ?? '';
    if (tag === CHARACTER_SET) this.#characters = text;
    else if (name === STEP_ID) this.#item.step = text;
    else this.#item.procedure = text;
    const isFirst = tag !== CHARACTER_SET && text !== '' && !this.#items.includes(this.#item);
    if (isFirst && this.#items.length < MOST_REQUESTED) this.#items.push(this.#item);
  }
}
