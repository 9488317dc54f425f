import { pipeline, Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import type { JsonAttribute, JsonDataSet } from './dicom.json.js';
import { binaryAttribute, BULK_VRS, storedAttribute } from './stored.values.js';
import { CHARACTER_SET } from './header.collector.js';
import { type Encoding, isShortForm } from './header.element.js';
import { DEFLATED, readMeta } from './header.meta.js';
import { HeaderBytes } from './header.bytes.js';
import { DicomUnreadable } from './header.unreadable.js';

const PIXELS = new Set([0x7fe00008, 0x7fe00009, 0x7fe00010]);
const ITEM = 0xfffee000;
const ITEM_END = 0xfffee00d;
const SEQUENCE_END = 0xfffee0dd;
const UNDEFINED_LENGTH = 0xffffffff;
/** Sequences inside one another. */
const DEPTH = 64;
/** What stands before the pixels of one instance, as much as metadata may have. */
const LONGEST_HEADER = 16 * 1024 * 1024;
const EXPLICIT_LITTLE: Encoding = { implicit: false, big: false };
const IMPLICIT_LITTLE: Encoding = { implicit: true, big: false };
const ENCODINGS: ReadonlyMap<string, Encoding> = new Map([
  ['1.2.840.10008.1.2', IMPLICIT_LITTLE],
  ['1.2.840.10008.1.2.2', { implicit: false, big: true }],
]);

/** The value representation of an element of an implicit file, by its path of tags and item numbers; `undefined` when nobody knows it. */
export type VrOf = (path: string) => string | undefined;

/**
 * The data set of a DICOM file (PS3.10 §7) in the DICOM JSON model (PS3.18 F.2), as far as its pixels: what the archive's own metadata
 * says, for an instance that its UIDs do not name alone. Binary values, and those whose representation nobody knows, are references
 * `/bulk/<path>`. Throws `DicomUnreadable` when the bytes are no such file, or their header is beyond bounds.
 */
export async function metadataOfFile(
  file: AsyncIterable<Buffer>,
  vrOf: VrOf = () => undefined,
): Promise<JsonDataSet> {
  const source = file[Symbol.asyncIterator]();
  const start = new HeaderBytes(source, LONGEST_HEADER);
  const { transferSyntax, datasetOffset } = await readMeta(start);
  const ahead = start.bytes.subarray(datasetOffset);
  const encoding = ENCODINGS.get(transferSyntax) ?? EXPLICIT_LITTLE;
  if (transferSyntax !== DEFLATED)
    return new FileReader(source, ahead, vrOf).dataSet(Infinity, { encoding, characters: '', path: '' });
  const inflate = createInflateRaw();
  const bytes = Readable.from(chained(ahead, source), { objectMode: false });
  pipeline(bytes, inflate, () => undefined);
  try {
    const inflated = inflate[Symbol.asyncIterator]();
    return await new FileReader(inflated, Buffer.alloc(0), vrOf).dataSet(Infinity, {
      encoding,
      characters: '',
      path: '',
    });
  } finally {
    inflate.destroy();
  }
}

async function* chained(ahead: Buffer, source: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield ahead;
  for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value;
}

/** Where in a data set one is: its path ends in a slash below the top, its characters are those of the nearest Specific Character Set. */
interface Place {
  readonly encoding: Encoding;
  readonly characters: string;
  readonly path: string;
}

interface Head {
  readonly tag: number;
  readonly vr: string;
  readonly length: number;
}

class FileReader {
  #held: Buffer;
  #at = 0;
  #depth = DEPTH;
  readonly #source: AsyncIterator<Buffer>;
  readonly #vrOf: VrOf;

  constructor(source: AsyncIterator<Buffer>, held: Buffer, vrOf: VrOf) {
    this.#source = source;
    this.#held = held;
    this.#vrOf = vrOf;
  }

  /** Elements up to `end`, an item's delimiter, the pixels of the top level, or the end of the file. */
  async dataSet(end: number, place: Place): Promise<JsonDataSet> {
    const found: Record<string, JsonAttribute> = {};
    let { characters } = place;
    while (this.#at < end) {
      const head = await this.#head(place);
      if (head === undefined || head.tag === ITEM_END) break;
      const name = nameOf(head.tag);
      if (PIXELS.has(head.tag) && place.path === '') {
        found[name] = binaryAttribute(head.vr, name);
        break;
      }
      const attribute = await this.#attribute(head, { ...place, characters, path: place.path + name });
      if (name === CHARACTER_SET) characters = attribute.Value?.join('\\') ?? '';
      found[name] = attribute;
    }
    return found;
  }

  async #attribute({ vr, length }: Head, place: Place): Promise<JsonAttribute> {
    const { encoding, characters, path } = place;
    if (vr === 'SQ' || length === UNDEFINED_LENGTH) {
      const items = await this.#items(length, vr === 'UN' ? { ...place, encoding: IMPLICIT_LITTLE } : place);
      return items.length === 0 ? { vr: 'SQ' } : { vr: 'SQ', Value: items };
    }
    if (!BULK_VRS.has(vr)) return storedAttribute(vr, await this.#take(length), characters, encoding.big);
    await this.#skip(length);
    return length === 0 ? { vr } : binaryAttribute(vr, path);
  }

  async #items(length: number, place: Place): Promise<JsonDataSet[]> {
    if (this.#depth === 0) throw new DicomUnreadable('too-deep', 'sequences nested too deep');
    this.#depth -= 1;
    const items: JsonDataSet[] = [];
    const end = length === UNDEFINED_LENGTH ? Infinity : this.#at + length;
    while (this.#at < end) {
      const head = await this.#head(place);
      if (head?.tag === SEQUENCE_END) break;
      if (head?.tag !== ITEM)
        throw new DicomUnreadable('structure', 'a sequence holds something else than items');
      const itemEnd = head.length === UNDEFINED_LENGTH ? Infinity : this.#at + head.length;
      items.push(await this.dataSet(itemEnd, { ...place, path: `${place.path}/${items.length + 1}/` }));
    }
    this.#depth += 1;
    return items;
  }

  async #head({ encoding, path }: Place): Promise<Head | undefined> {
    if (path === '' && !(await this.#reach(1))) return undefined;
    const first = await this.#take(8);
    const uint16 = (at: number) => (encoding.big ? first.readUInt16BE(at) : first.readUInt16LE(at));
    const uint32 = (bytes: Buffer, at: number) =>
      encoding.big ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
    const tag = uint16(0) * 0x10000 + uint16(2);
    if (tag >>> 16 === 0xfffe) return { tag, vr: '', length: uint32(first, 4) };
    if (encoding.implicit)
      return { tag, vr: this.#vrOf(path + nameOf(tag)) ?? 'UN', length: uint32(first, 4) };
    const vr = first.toString('latin1', 4, 6);
    if (isShortForm(vr)) return { tag, vr, length: uint16(6) };
    return { tag, vr, length: uint32(await this.#take(4), 0) };
  }

  async #take(length: number): Promise<Buffer> {
    if (!(await this.#reach(length)))
      throw new DicomUnreadable('truncated', 'the file ends inside its header');
    const taken = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    this.#at += length;
    return taken;
  }

  async #skip(length: number): Promise<void> {
    for (let left = length; left > 0;) {
      if (!(await this.#reach(1))) throw new DicomUnreadable('truncated', 'the file ends inside its header');
      left -= (await this.#take(Math.min(left, this.#held.length))).length;
    }
  }

  async #reach(length: number): Promise<boolean> {
    if (length > LONGEST_HEADER) throw new DicomUnreadable('too-large', 'a value is longer than allowed');
    while (this.#held.length < length) {
      const { done, value } = await this.#source.next();
      if (done === true) return false;
      this.#held = this.#held.length === 0 ? value : Buffer.concat([this.#held, value]);
    }
    return true;
  }
}

function nameOf(tag: number): string {
  return tag.toString(16).padStart(8, '0').toUpperCase();
}
