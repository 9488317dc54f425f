import { setImmediate } from 'node:timers/promises';
import { type DataSetBytes, LONGEST_HEADER, openFile, type SourceOfBytes } from '../data.set.bytes.js';
import type { RepresentationOf } from '../data.set.recoder.js';
import { DicomUnreadable } from '../dicom.unreadable.js';
import {
  BINARY_VRS,
  type ElementHead,
  type Encoding,
  fault,
  holdsItems,
  isDelimiter,
  ITEM_END,
  itemsEncoding,
  MAX_READ_DEPTH,
  UNDEFINED_LENGTH,
} from '../element.decoder.js';
import { CHARACTER_SET } from '../header/header.collector.js';
import { implicitRepresentations } from '../implicit.representations.js';
import { inOrder, type JsonAttribute, type JsonDataSet } from './dicom.json.js';
import { bulkAttribute, storedAttribute, UTF_8 } from './stored.values.js';

const PIXELS = new Set([0x7fe00008, 0x7fe00009, 0x7fe00010]);
const PIXEL_REPRESENTATION = '00280103';
/** Number of elements that are read before other work can run. */
const ELEMENTS_WITHOUT_PAUSE = 2_000;

/**
 * The data set of a DICOM file (PS3.10 §7) in the DICOM JSON model (PS3.18 F.2), with attributes in ascending order. A binary value becomes
 * a reference `<instanceUrl>/bulk/<path>`, where `path` alternates between tags and item numbers (from 1). Attributes after compressed
 * pixel data are not read. Throws `DicomUnreadable` when the bytes are not a DICOM file, or when the header exceeds a limit.
 * `mostElements`: the largest number of elements and items at all levels.
 */
export async function metadataOfFile(
  file: SourceOfBytes,
  instanceUrl = '',
  mostElements = Infinity,
): Promise<JsonDataSet> {
  const { dataSet, encoding, close } = await openFile(file);
  try {
    const representations = await implicitRepresentations();
    const reader = new FileReader(dataSet, representations, `${instanceUrl}/bulk/`, mostElements);
    return await reader.dataSet(Infinity, { encoding, characterSet: '', isSigned: false, path: '' });
  } finally {
    close();
  }
}

/** How the elements at the current position are read. */
interface Context {
  readonly encoding: Encoding;
  /** The Specific Character Set of this data set, or of the nearest data set around it. */
  readonly characterSet: string;
  /** Whether the pixels of the data set are signed. */
  readonly isSigned: boolean;
  /** The path to this position, as in bulk data addresses. Empty at the top level. */
  readonly path: string;
}

class FileReader {
  #depth = 0;
  /** Number of bytes that further values may occupy in memory. */
  #budget = LONGEST_HEADER;
  readonly #bytes: DataSetBytes;
  readonly #representationOf: RepresentationOf;
  readonly #bulk: string;
  readonly #mostElements: number;
  #elements = 0;

  constructor(bytes: DataSetBytes, representationOf: RepresentationOf, bulk: string, mostElements: number) {
    this.#bytes = bytes;
    this.#representationOf = representationOf;
    this.#bulk = bulk;
    this.#mostElements = mostElements;
  }

  /** Counts an element or item. Returns whether other work should run now, because the bytes of many elements can be in memory already. */
  #needsPause(): boolean {
    this.#elements += 1;
    if (this.#elements > this.#mostElements)
      throw new DicomUnreadable('too-many', 'the header has more elements than allowed');
    return this.#elements % ELEMENTS_WITHOUT_PAUSE === 0;
  }

  /** Reads elements up to `end`, an item delimiter, compressed pixel data at the top level, or the end of the file. */
  async dataSet(end: number, context: Context): Promise<JsonDataSet> {
    const found: [string, JsonAttribute][] = [];
    let { characterSet, isSigned } = context;
    let last: number | undefined;
    try {
      while (this.#bytes.at < end) {
        const head = await this.#head(context, isSigned);
        if (head === undefined || (head.tag === ITEM_END && end === Infinity && context.path !== '')) break;
        if (isDelimiter(head.tag)) throw fault.misplacedDelimiter();
        if (this.#needsPause()) await setImmediate();
        const name = nameOf(head.tag);
        const attribute = await this.#attribute(head, {
          encoding: context.encoding,
          characterSet,
          isSigned,
          path: context.path + name,
        });
        last = head.tag;
        if (name === PIXEL_REPRESENTATION) isSigned = attribute.Value?.[0] === 1;
        if (name === CHARACTER_SET) {
          characterSet = characterSetOf(attribute);
          found.push([name, UTF_8]);
        } else if (head.tag % 0x10000 !== 0) found.push([name, attribute]);
        if (isLastRead(head, context)) break;
      }
      if (this.#bytes.at > end) throw fault.tooLong();
    } catch (error) {
      // In some files, bytes that are not elements follow the pixel data. These bytes are ignored, because all relevant attributes come
      // before the pixel data.
      if (!(error instanceof DicomUnreadable) || last === undefined || !isPixelDataOrLater(last, context))
        throw error;
    }
    return inOrder(found);
  }

  async #attribute(head: ElementHead, context: Context): Promise<JsonAttribute> {
    const { vr, length } = head;
    const { encoding, characterSet, path } = context;
    const address = () => this.#bulk + path.toLowerCase();
    if (holdsItems(head)) {
      const items = await this.#items(length, { ...context, encoding: itemsEncoding(head, encoding) });
      return items.length === 0 ? { vr: 'SQ' } : { vr: 'SQ', Value: items };
    }
    if (length === UNDEFINED_LENGTH) {
      if (!PIXELS.has(head.tag)) throw fault.undefinedLength();
      // In a sequence, such as Icon Image Sequence, more attributes can follow the compressed pixel data. So the pixel data is skipped.
      if (path.length > 8) await this.#bytes.skipFragments(encoding);
      // The VR of compressed pixel data is OB, even if the file has another VR (PS3.5 §A.4).
      return bulkAttribute('OB', address());
    }
    // A known element with the VR UN is encoded in Implicit VR Little Endian (PS3.5 §6.2.2).
    const known = vr === 'UN' ? this.#representationOf(head.tag, context.isSigned) : 'UN';
    const isKnown = known !== 'SQ' && !BINARY_VRS.has(known);
    if (BINARY_VRS.has(vr) && !isKnown) {
      await this.#bytes.skip(length);
      return length === 0 ? { vr } : bulkAttribute(vr, address());
    }
    this.#budget -= length;
    if (this.#budget < 0) throw new DicomUnreadable('too-large', 'the header is longer than allowed');
    const big = encoding.big && !isKnown;
    return storedAttribute(isKnown ? known : vr, await this.#bytes.take(length), {
      characterSet,
      big,
      address,
    });
  }

  async #items(length: number, context: Context): Promise<JsonDataSet[]> {
    if (this.#depth === MAX_READ_DEPTH) throw fault.tooDeep();
    this.#depth += 1;
    const { encoding, path } = context;
    const items: JsonDataSet[] = [];
    const end = this.#bytes.endOf(length);
    for (let itemEnd = await this.#bytes.item(encoding, end); itemEnd !== undefined;) {
      if (this.#needsPause()) await setImmediate();
      items.push(await this.dataSet(itemEnd, { ...context, path: `${path}/${items.length + 1}/` }));
      itemEnd = await this.#bytes.item(encoding, end);
    }
    this.#depth -= 1;
    return items;
  }

  async #head({ encoding, path }: Context, isSigned: boolean): Promise<ElementHead | undefined> {
    const head = await this.#bytes.head(encoding, path === '');
    if (head === undefined || !encoding.implicit || isDelimiter(head.tag)) return head;
    return { ...head, vr: this.#representationOf(head.tag, isSigned) };
  }
}

/**
 * Whether this is compressed pixel data at the top level. Reading stops there, because the end of this data is only found by reading all
 * fragments.
 */
function isLastRead({ tag, length }: ElementHead, { path }: Context): boolean {
  return path === '' && length === UNDEFINED_LENGTH && PIXELS.has(tag);
}

function isPixelDataOrLater(last: number, { path }: Context): boolean {
  return path === '' && last >= Math.min(...PIXELS);
}

/** The values of a Specific Character Set, joined by backslashes as in the file. */
function characterSetOf({ Value = [] }: JsonAttribute): string {
  return Value.map((value) => (typeof value === 'string' ? value : '')).join('\\');
}

/** A tag as eight hexadecimal digits in upper case. */
function nameOf(tag: number): string {
  return (tag + 0x1_0000_0000).toString(16).slice(1).toUpperCase();
}
