/** An element as an {@link ElementVisitor} receives it. */
export interface VisitedElement {
  readonly tag: number;
  /** Empty in implicit VR. */
  readonly vr: string;
  /** Bytes of the value; Infinity when undefined. */
  readonly length: number;
  /** Where the value ends, in bytes from the start of the data set. */
  readonly end: number;
}

/** Receives the elements of the top level in the order in which they are written. */
export interface ElementVisitor {
  /** Whether the visitor wants the value. */
  element(element: VisitedElement): boolean;
  value(element: VisitedElement, bytes: Buffer): void;
  /**
   * Whether an element of defined length is a sequence in implicit VR. It is called for elements whose VR does not show this: the VR is
   * absent or UN.
   */
  isSequence?(element: VisitedElement): boolean;
  /** Called when an item of a top-level sequence begins. */
  item?(sequence: number): void;
  /** Whether a short value inside `sequence` is wanted. `isDirect`: the value is in an item of a top-level sequence. */
  nested?(tag: number, sequence: number, isDirect: boolean): boolean;
  nestedValue?(element: VisitedElement, bytes: Buffer): void;
}
