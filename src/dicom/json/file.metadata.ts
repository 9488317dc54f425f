import {
  type DataSetBytes,
  type ElementHead,
  IMPLICIT_LITTLE,
  ITEM,
  ITEM_END,
  LONGEST_HEADER,
  openFile,
  type SourceOfBytes,
  SEQUENCE_END,
  UNDEFINED_LENGTH,
} from '../data.set.bytes.js';
import type { RepresentationOf } from '../data.set.recoder.js';
import { inOrder, type JsonAttribute, type JsonDataSet } from './dicom.json.js';
import { CHARACTER_SET } from '../header/header.collector.js';
import type { Encoding } from '../element.head.js';
import { DicomUnreadable } from '../dicom.unreadable.js';
import { implicitRepresentations } from '../implicit.representations.js';
import { bulkAttribute, BULK_VRS, storedAttribute, UTF_8 } from './stored.values.js';

const PIXELS = new Set([0x7fe00008, 0x7fe00009, 0x7fe00010]);
const PIXEL_REPRESENTATION = '00280103';
/** Sequences inside one another. */
const DEPTH = 64;

/**
 * The data set of a DICOM file (PS3.10 §7) in the DICOM JSON model (PS3.18 F.2), attributes in ascending order. Binary values are references
 * `<instanceUrl>/bulk/<path>`, where a path is tags and item numbers from 1 in turn. What follows compressed pixels is not read. Throws
 * `DicomUnreadable` when the bytes are no such file, or their header is beyond bounds.
 */
export async function metadataOfFile(file: SourceOfBytes, instanceUrl = ''): Promise<JsonDataSet> {
  const { dataSet, encoding, close } = await openFile(file);
  try {
    const reader = new FileReader(dataSet, await implicitRepresentations(), `${instanceUrl}/bulk/`);
    return await reader.dataSet(Infinity, { encoding, characters: '', isSigned: false, path: '' });
  } finally {
    close();
  }
}

/** Where in a data set one is: its path ends in a slash below the top, its characters are those of the nearest Specific Character Set. */
interface Place {
  readonly encoding: Encoding;
  readonly characters: string;
  /** Whether its pixels are. */
  readonly isSigned: boolean;
  readonly path: string;
}

class FileReader {
  #depth = DEPTH;
  /** Bytes of values that may still be held. */
  #budget = LONGEST_HEADER;
  readonly #bytes: DataSetBytes;
  readonly #representationOf: RepresentationOf;
  readonly #bulk: string;

  constructor(bytes: DataSetBytes, representationOf: RepresentationOf, bulk: string) {
    this.#bytes = bytes;
    this.#representationOf = representationOf;
    this.#bulk = bulk;
  }

  /** Elements up to `end`, an item's delimiter, compressed pixels of the top level, or the end of the file. */
  async dataSet(end: number, place: Place): Promise<JsonDataSet> {
    const found: [string, JsonAttribute][] = [];
    let { characters, isSigned } = place;
    let last: number | undefined;
    try {
      while (this.#bytes.at < end) {
        const head = await this.#head(place, isSigned);
        if (head === undefined || (head.tag === ITEM_END && end === Infinity && place.path !== '')) break;
        if (head.tag >>> 16 === 0xfffe)
          throw new DicomUnreadable('structure', 'a delimiter that does not belong');
        const name = nameOf(head.tag);
        const attribute = await this.#attribute(head, {
          encoding: place.encoding,
          characters,
          isSigned,
          path: place.path + name,
        });
        last = head.tag;
        if (name === PIXEL_REPRESENTATION) isSigned = attribute.Value?.[0] === 1;
        if (name === CHARACTER_SET) {
          characters = charactersOf(attribute);
          found.push([name, UTF_8]);
        } else if (head.tag % 0x10000 !== 0) found.push([name, attribute]);
        if (this.#endsWith(head, place)) break;
      }
      if (this.#bytes.at > end) throw tooLong();
    } catch (error) {
      // Behind the pixels some writers leave what is no element; all that describes them stands before.
      if (!(error instanceof DicomUnreadable) || last === undefined || !isBehindPixels(last, place))
        throw error;
    }
    return inOrder(found);
  }

  /** Compressed pixels of the top level: to find their end all fragments would have to be walked through. */
  #endsWith({ tag, length }: ElementHead, place: Place): boolean {
    return place.path === '' && length === UNDEFINED_LENGTH && PIXELS.has(tag);
  }

  async #attribute(head: ElementHead, place: Place): Promise<JsonAttribute> {
    const { vr, length } = head;
    const { encoding, characters, path } = place;
    const address = () => this.#bulk + path.toLowerCase();
    if (length === UNDEFINED_LENGTH && BULK_VRS.has(vr) && vr !== 'UN') {
      if (!PIXELS.has(head.tag)) throw new DicomUnreadable('length', 'an undefined length where none may be');
      // Inside a sequence, as icons may be.
      if (path.length > 8) await this.#bytes.skipFragments(encoding);
      // Compressed pixels are bytes, whatever the file calls them (PS3.5 §A.4).
      return bulkAttribute('OB', address());
    }
    if (vr === 'SQ' || length === UNDEFINED_LENGTH) {
      const items = await this.#items(length, vr === 'UN' ? { ...place, encoding: IMPLICIT_LITTLE } : place);
      return items.length === 0 ? { vr: 'SQ' } : { vr: 'SQ', Value: items };
    }
    // A known element that is written UN is in Implicit VR Little Endian (PS3.5 §6.2.2).
    const hidden = vr === 'UN' ? this.#representationOf(head.tag, place.isSigned) : 'UN';
    const isHidden = hidden !== 'SQ' && !BULK_VRS.has(hidden);
    if (BULK_VRS.has(vr) && !isHidden) {
      await this.#bytes.skip(length);
      return length === 0 ? { vr } : bulkAttribute(vr, address());
    }
    this.#budget -= length;
    if (this.#budget < 0) throw new DicomUnreadable('too-large', 'the header is longer than allowed');
    const big = encoding.big && !isHidden;
    return storedAttribute(isHidden ? hidden : vr, await this.#bytes.take(length), {
      characters,
      big,
      address,
    });
  }

  async #items(length: number, place: Place): Promise<JsonDataSet[]> {
    if (this.#depth === 0) throw new DicomUnreadable('too-deep', 'sequences nested too deep');
    this.#depth -= 1;
    const items: JsonDataSet[] = [];
    const end = length === UNDEFINED_LENGTH ? Infinity : this.#bytes.at + length;
    while (this.#bytes.at < end) {
      const head = await this.#head(place, place.isSigned);
      if (head?.tag === SEQUENCE_END && end === Infinity) break;
      if (head?.tag !== ITEM)
        throw new DicomUnreadable('structure', 'a sequence holds something else than items');
      const itemEnd = head.length === UNDEFINED_LENGTH ? Infinity : this.#bytes.at + head.length;
      items.push(await this.dataSet(itemEnd, { ...place, path: `${place.path}/${items.length + 1}/` }));
    }
    if (this.#bytes.at > end) throw tooLong();
    this.#depth += 1;
    return items;
  }

  async #head({ encoding, path }: Place, isSigned: boolean): Promise<ElementHead | undefined> {
    const head = await this.#bytes.head(encoding, path === '');
    if (head === undefined || !encoding.implicit || head.tag >>> 16 === 0xfffe) return head;
    return { ...head, vr: this.#representationOf(head.tag, isSigned) };
  }
}

function tooLong(): DicomUnreadable {
  return new DicomUnreadable('length', 'an element is longer than what holds it');
}

function isBehindPixels(last: number, { path }: Place): boolean {
  return path === '' && last >= Math.min(...PIXELS);
}

/** The values of a Specific Character Set as the file joins them. */
function charactersOf({ Value = [] }: JsonAttribute): string {
  return Value.map((value) => (typeof value === 'string' ? value : '')).join('\\');
}

/** A tag as eight hexadecimal digits in upper case. */
function nameOf(tag: number): string {
  return (tag + 0x1_0000_0000).toString(16).slice(1).toUpperCase();
}
