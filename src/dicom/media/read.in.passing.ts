import { openFile } from '../data.set.bytes.js';
import type { RepresentationOf } from '../data.set.recoder.js';
import { DicomUnreadable } from '../dicom.unreadable.js';
import { readSelected } from '../selected.reader.js';
import { SelectedValues } from '../selected.values.js';
import { DIRECTORY_SELECTION } from './directory.keys.js';

/** Largest beginning of a file that is kept to read its values, in bytes. The values of most files are in the first kilobytes. */
const MAX_HELD = 4 * 1024 * 1024;
/** The last element that a directory needs, and elements before it with long content: a document, and the content of RT objects. */
const LAST_NEEDED = 0x30100034;
const LONG_CONTENT: readonly (readonly [from: number, to: number])[] = [
  [0x00420011, 0x00420011],
  [0x3004000b, 0x3004ffff],
  [0x30060010, 0x3006ffff],
  [0x300a0010, 0x300affff],
];
/** Elements from here on do not identify the patient, study, series or number of an instance. */
const AFTER_IDENTITY = 0x00280000;

const isContent = (tag: number) =>
  tag > LAST_NEEDED || LONG_CONTENT.some(([from, to]) => tag >= from && tag <= to);

/**
 * Passes on the bytes of a DICOM file, and reads the values that a directory needs from them. `read` is called once, before the last byte.
 * A file that cannot be read has no values. Closes the source.
 */
export async function* readInPassing(
  source: AsyncIterable<Buffer>,
  representationOf: RepresentationOf,
  read: (values: SelectedValues) => void,
): AsyncGenerator<Buffer> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    const held: Buffer[] = [];
    let size = 0;
    const next = async (): Promise<IteratorResult<Buffer, undefined>> => {
      if (size >= MAX_HELD) return { done: true, value: undefined };
      const { done, value } = await iterator.next();
      if (done === true) return { done, value: undefined };
      held.push(value);
      size += value.length;
      return { done: false, value };
    };
    read(
      (await valuesOf(next, isContent, representationOf)) ??
        (await valuesOf(again(held), (tag) => tag >= AFTER_IDENTITY, representationOf)) ??
        new SelectedValues(),
    );
    yield* held.splice(0);
    for (let step = await iterator.next(); step.done !== true; step = await iterator.next()) yield step.value;
  } finally {
    await iterator.return?.();
  }
}

type Next = () => Promise<IteratorResult<Buffer, undefined>>;

function again(held: readonly Buffer[]): Next {
  const pieces = held.values();
  return () => Promise.resolve(pieces.next());
}

/** The values up to the first element for which `isEnd` is true. `undefined` when the bytes are not a readable data set. */
async function valuesOf(
  next: Next,
  isEnd: (tag: number) => boolean,
  representationOf: RepresentationOf,
): Promise<SelectedValues | undefined> {
  try {
    const file = await openFile({ [Symbol.asyncIterator]: () => ({ next }) });
    try {
      return (await readSelected(file, DIRECTORY_SELECTION, { has: isEnd }, representationOf)).values;
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof DicomUnreadable) return undefined;
    throw error;
  }
}
