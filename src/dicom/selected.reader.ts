import { type DataSetBytes, LONGEST_HEADER, type OpenedFile } from './data.set.bytes.js';
import type { RepresentationOf } from './data.set.recoder.js';
import { DicomUnreadable } from './dicom.unreadable.js';
import {
  type ElementHead,
  type Encoding,
  fault,
  holdsItems,
  isDelimiter,
  ITEM_END,
  itemsEncoding,
  UNDEFINED_LENGTH,
} from './element.decoder.js';
import { SelectedValues } from './selected.values.js';

/** Which elements to read: values, and selected elements in the items of sequences. */
export type Selection = ReadonlyMap<number, 'value' | Selection>;

/** The elements of all these selections. If one selection reads the items of a sequence, the sequence is not read as a value. */
export function joinedSelections(...all: readonly Selection[]): Selection {
  const joined = new Map<number, 'value' | Selection>();
  for (const [tag, wanted] of all.flatMap((one) => Array.from(one))) {
    const known = joined.get(tag);
    if (wanted !== 'value')
      joined.set(tag, known === undefined || known === 'value' ? wanted : joinedSelections(known, wanted));
    else if (known === undefined) joined.set(tag, wanted);
  }
  return joined;
}

/** Estimated memory of a value besides its bytes. */
const VALUE_OVERHEAD = 256;

/** The selected elements of a file. */
export interface SelectedHeader {
  readonly values: SelectedValues;
  /** The head of the first element of `ends` in the file. The value comes next in the file. `undefined` without such an element. */
  readonly end: ElementHead | undefined;
  /** Estimated memory of the values in bytes. */
  readonly weight: number;
}

/**
 * Reads the selected elements of a file up to the first top-level element of `ends`. Other values are skipped. Throws `DicomUnreadable`
 * when the bytes are not a data set, or when the values exceed a limit.
 */
export async function readSelected(
  { dataSet, encoding }: OpenedFile,
  selection: Selection,
  ends: Pick<ReadonlySet<number>, 'has'>,
  representationOf: RepresentationOf,
): Promise<SelectedHeader> {
  const reader = new SelectedReader(dataSet, ends, representationOf);
  const values = await reader.dataSet(Infinity, encoding, selection, true);
  return { values, end: reader.end, weight: reader.weight };
}

class SelectedReader {
  end: ElementHead | undefined;
  weight = 0;
  readonly #bytes: DataSetBytes;
  readonly #ends: Pick<ReadonlySet<number>, 'has'>;
  readonly #representationOf: RepresentationOf;

  constructor(
    bytes: DataSetBytes,
    ends: Pick<ReadonlySet<number>, 'has'>,
    representationOf: RepresentationOf,
  ) {
    this.#bytes = bytes;
    this.#ends = ends;
    this.#representationOf = representationOf;
  }

  async dataSet(
    end: number,
    encoding: Encoding,
    selection: Selection,
    isTop: boolean,
  ): Promise<SelectedValues> {
    const values = new SelectedValues();
    while (this.#bytes.at < end) {
      const head = await this.#head(encoding, isTop);
      if (head === undefined || (head.tag === ITEM_END && end === Infinity && !isTop)) break;
      if (isDelimiter(head.tag)) throw fault.misplacedDelimiter();
      if (isTop && this.#ends.has(head.tag)) {
        this.end = head;
        break;
      }
      const wanted = selection.get(head.tag);
      if (wanted === 'value' && head.length !== UNDEFINED_LENGTH)
        values.addValue(head.tag, await this.#value(head, encoding));
      else if (wanted !== undefined && wanted !== 'value' && holdsItems(head))
        values.addItems(head.tag, await this.#items(head, encoding, wanted));
      else await this.#bytes.skipValue(head, encoding);
    }
    if (this.#bytes.at > end) throw fault.tooLong();
    return values;
  }

  async #value({ tag, vr, length }: ElementHead, { big }: Encoding) {
    this.#addWeight(length + VALUE_OVERHEAD);
    // The copy does not keep the surrounding chunk of the file in memory.
    const bytes = Buffer.from(await this.#bytes.take(length));
    // A known element with the VR UN is encoded in Implicit VR Little Endian (PS3.5 §6.2.2).
    return vr === 'UN' ? { vr: this.#representationOf(tag, false), bytes, big: false } : { vr, bytes, big };
  }

  async #items(head: ElementHead, encoding: Encoding, selection: Selection): Promise<SelectedValues[]> {
    const within = itemsEncoding(head, encoding);
    const items: SelectedValues[] = [];
    const end = this.#bytes.endOf(head.length);
    for (let itemEnd = await this.#bytes.item(within, end); itemEnd !== undefined;) {
      this.#addWeight(VALUE_OVERHEAD);
      items.push(await this.dataSet(itemEnd, within, selection, false));
      itemEnd = await this.#bytes.item(within, end);
    }
    return items;
  }

  #addWeight(bytes: number): void {
    this.weight += bytes;
    if (this.weight > LONGEST_HEADER)
      throw new DicomUnreadable('too-large', 'the header is longer than allowed');
  }

  async #head(encoding: Encoding, isTop: boolean): Promise<ElementHead | undefined> {
    const head = await this.#bytes.head(encoding, isTop);
    if (head === undefined || !encoding.implicit || isDelimiter(head.tag)) return head;
    return { ...head, vr: this.#representationOf(head.tag, false) };
  }
}
