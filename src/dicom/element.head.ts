/** How the elements of a data set are written (PS3.5 §7.1, §7.3). */
export interface Encoding {
  implicit: boolean;
  big: boolean;
}

/** An element of the top level. */
export interface TopElement {
  tag: number;
  /** Empty in implicit VR. */
  vr: string;
  /** Bytes of the value; Infinity when undefined. */
  length: number;
  /** Where the value ends, in bytes from the start of the data set. */
  end: number;
}

/** Who is told of the elements of the top level, in the order in which they are written. */
export interface ElementVisitor {
  /** Answers whether it wants the value. */
  element(element: TopElement): boolean;
  value(element: TopElement, bytes: Buffer): void;
  /** Whether an element of known length is a sequence in implicit VR that its own VR (none, or UN) does not tell of. */
  isSequence?(element: TopElement): boolean;
  /** An item of a sequence of the top level begins. */
  item?(within: number): void;
  /** A short value inside the sequence `within`, and whether it is wanted; left out by who wants none. `isNear`: of an item of the top level's. */
  nested?(tag: number, within: number, isNear: boolean): boolean;
  nestedValue?(element: TopElement, bytes: Buffer): void;
}

const SHORT_FORM = new Set('AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US'.split(' '));

/** Whether a VR has a length of 16 bits; every other one, those yet to come as well, has one of 32 (PS3.5 §7.1.2). */
export function isShortForm(vr: string): boolean {
  return SHORT_FORM.has(vr);
}
