import { decodeElementHead, EXPLICIT_LITTLE } from '../../src/dicom/element.decoder.js';

/** A directory record, by the tags of its elements, and the records below it. */
export interface ReadRecord {
  readonly type: string;
  readonly tags: readonly number[];
  readonly text: (tag: number) => string;
  readonly below: readonly ReadRecord[];
}

const [FIRST, NEXT, LOWER, TYPE] = [0x00041200, 0x00041400, 0x00041420, 0x00041430];

/** Reads the records of a DICOMDIR by their offsets, like a viewer of media does. Throws if an offset is not that of a record. */
export function readDirectory(file: Buffer): readonly ReadRecord[] {
  const metaLength = file.readUInt32LE(140);
  const fileSet = elementsOf(file, 144 + metaLength, 144 + metaLength + 46);
  const seen = new Set<number>();
  const level = (first: number): ReadRecord[] => {
    const records: ReadRecord[] = [];
    for (let at = first; at !== 0;) {
      if (seen.has(at) || file.readUInt32LE(at) !== 0xe000fffe) throw new Error(`no record at ${at}`);
      seen.add(at);
      const elements = elementsOf(file, at + 8, at + 8 + file.readUInt32LE(at + 4));
      const number = (tag: number) => elements.get(tag)?.readUInt32LE(0) ?? 0;
      const text = (tag: number) => (elements.get(tag)?.toString('latin1') ?? '').replace(/[ \0]$/, '');
      records.push({ type: text(TYPE), tags: [...elements.keys()], text, below: level(number(LOWER)) });
      at = number(NEXT);
    }
    return records;
  };
  return level(fileSet.get(FIRST)?.readUInt32LE(0) ?? 0);
}

function elementsOf(file: Buffer, start: number, end: number): Map<number, Buffer> {
  const elements = new Map<number, Buffer>();
  for (let at = start; at < end;) {
    const head = decodeElementHead(file, at, EXPLICIT_LITTLE);
    if (head === undefined) throw new Error(`no element at ${at}`);
    elements.set(head.tag, file.subarray(at + head.size, at + head.size + head.length));
    at += head.size + head.length;
  }
  return elements;
}
