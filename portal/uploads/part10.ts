/** What the beginning of a file says: an instance, the directory of a disc, or neither. */
export type Beginning =
  | { readonly kind: 'instance'; readonly sopUid: string }
  | { readonly kind: 'directory' }
  | { readonly kind: 'not-dicom' };

/** The number of bytes that contain the UIDs of nearly all files: the preamble and the file meta information (PS3.10 §7.1). */
export const BEGINNING_BYTES = 2048;

const PREFIX_AT = 128;
const META_AT = 132;
const DIRECTORY_CLASS = '1.2.840.10008.1.3.10';
const [SOP_CLASS, SOP_INSTANCE] = [2, 3];
/** VRs whose length has 32 bits (PS3.5 §7.1.2). Only these occur in the file meta information. */
const LONG_FORM = new Set(['OB', 'UN', 'UT', 'OW']);

/**
 * Reads the SOP Instance UID from the beginning of a file. It is empty if the file meta information has none, or if it is longer than the
 * given bytes. The gateway checks the whole file.
 */
export function readBeginning(bytes: Uint8Array): Beginning {
  if (latin(bytes, PREFIX_AT, 4) !== 'DICM') return { kind: 'not-dicom' };
  const uids = new Map<number, string>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = META_AT; at + 12 <= bytes.length && view.getUint16(at, true) === 2;) {
    const isLong = LONG_FORM.has(latin(bytes, at + 4, 2));
    const start = at + (isLong ? 12 : 8);
    const length = isLong ? view.getUint32(at + 8, true) : view.getUint16(at + 6, true);
    const element = view.getUint16(at + 2, true);
    if (start + length > bytes.length) break;
    if (element === SOP_CLASS || element === SOP_INSTANCE)
      uids.set(element, latin(bytes, start, length).replace(/[ \0]+$/, ''));
    at = start + length;
  }
  if (uids.get(SOP_CLASS) === DIRECTORY_CLASS) return { kind: 'directory' };
  return { kind: 'instance', sopUid: uids.get(SOP_INSTANCE) ?? '' };
}

function latin(bytes: Uint8Array, start: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(start, start + length));
}
