import {
  type DataSetBytes,
  type ElementHead,
  IMPLICIT_LITTLE,
  ITEM,
  ITEM_END,
  openFile,
  SEQUENCE_END,
  UNDEFINED_LENGTH,
} from './data.set.bytes.js';
import type { RepresentationOf } from './data.set.recoder.js';
import type { JsonAttribute, JsonDataSet } from './dicom.json.js';
import { CHARACTER_SET } from './header.collector.js';
import type { Encoding } from './header.element.js';
import { DicomUnreadable } from './header.unreadable.js';
import { implicitRepresentations } from './implicit.representations.js';
import { binaryAttribute, BULK_VRS, storedAttribute } from './stored.values.js';

const PIXELS = new Set([0x7fe00008, 0x7fe00009, 0x7fe00010]);
const PIXEL_REPRESENTATION = '00280103';
/** Sequences inside one another. */
const DEPTH = 64;
/**
 * The data set of a DICOM file (PS3.10 §7) in the DICOM JSON model (PS3.18 F.2), as far as its pixels: what the archive's own metadata
 * says, for an instance that its UIDs do not name alone. Binary values, and those whose representation nobody knows, are references
 * `/bulk/<path>`. Throws `DicomUnreadable` when the bytes are no such file, or their header is beyond bounds.
 */
export async function metadataOfFile(file: AsyncIterable<Buffer>): Promise<JsonDataSet> {
  const { dataSet, encoding, close } = await openFile(file);
  try {
    return await new FileReader(dataSet, await implicitRepresentations()).dataSet(Infinity, {
      encoding,
      characters: '',
      isSigned: false,
      path: '',
    });
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
  readonly #bytes: DataSetBytes;
  readonly #representationOf: RepresentationOf;

  constructor(bytes: DataSetBytes, representationOf: RepresentationOf) {
    this.#bytes = bytes;
    this.#representationOf = representationOf;
  }

  /** Elements up to `end`, an item's delimiter, the pixels of the top level, or the end of the file. */
  async dataSet(end: number, place: Place): Promise<JsonDataSet> {
    const found: Record<string, JsonAttribute> = {};
    let { characters, isSigned } = place;
    while (this.#bytes.at < end) {
      const head = await this.#head({ ...place, isSigned });
      if (head === undefined || head.tag === ITEM_END) break;
      const name = nameOf(head.tag);
      if (PIXELS.has(head.tag) && place.path === '') {
        found[name] = binaryAttribute(head.vr, name);
        break;
      }
      const attribute = await this.#attribute(head, {
        ...place,
        characters,
        isSigned,
        path: place.path + name,
      });
      if (name === PIXEL_REPRESENTATION) isSigned = attribute.Value?.[0] === 1;
      if (name === CHARACTER_SET) characters = attribute.Value?.join('\\') ?? '';
      found[name] = attribute;
    }
    return found;
  }

  async #attribute({ vr, length }: ElementHead, place: Place): Promise<JsonAttribute> {
    const { encoding, characters, path } = place;
    if (vr === 'SQ' || length === UNDEFINED_LENGTH) {
      const items = await this.#items(length, vr === 'UN' ? { ...place, encoding: IMPLICIT_LITTLE } : place);
      return items.length === 0 ? { vr: 'SQ' } : { vr: 'SQ', Value: items };
    }
    if (!BULK_VRS.has(vr))
      return storedAttribute(vr, await this.#bytes.take(length), characters, encoding.big);
    await this.#bytes.skip(length);
    return length === 0 ? { vr } : binaryAttribute(vr, path);
  }

  async #items(length: number, place: Place): Promise<JsonDataSet[]> {
    if (this.#depth === 0) throw new DicomUnreadable('too-deep', 'sequences nested too deep');
    this.#depth -= 1;
    const items: JsonDataSet[] = [];
    const end = length === UNDEFINED_LENGTH ? Infinity : this.#bytes.at + length;
    while (this.#bytes.at < end) {
      const head = await this.#head(place);
      if (head?.tag === SEQUENCE_END) break;
      if (head?.tag !== ITEM)
        throw new DicomUnreadable('structure', 'a sequence holds something else than items');
      const itemEnd = head.length === UNDEFINED_LENGTH ? Infinity : this.#bytes.at + head.length;
      items.push(await this.dataSet(itemEnd, { ...place, path: `${place.path}/${items.length + 1}/` }));
    }
    this.#depth += 1;
    return items;
  }

  async #head({ encoding, isSigned, path }: Place): Promise<ElementHead | undefined> {
    const head = await this.#bytes.head(encoding, path === '');
    if (head === undefined || !encoding.implicit || head.tag >>> 16 === 0xfffe) return head;
    return { ...head, vr: this.#representationOf(head.tag, isSigned) };
  }
}

function nameOf(tag: number): string {
  return tag.toString(16).padStart(8, '0').toUpperCase();
}
