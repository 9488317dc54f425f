import { elements as dictionary } from '@iwharris/dicom-data-dictionary';

/** A file with planted identifiers, and all of them. */
export interface PlantedFile {
  readonly file: Buffer;
  readonly planted: readonly string[];
}

const SHORT_FORM = new Set('AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US'.split(' '));
/** Pixels and lookup tables. Their bytes stay, so a text in them stays too. */
const ARRAYS = /^(7FE0|0028(12|3006)|5400(0110|0112|1010)|0066(0016|0021|004[012]|0125|0129))/;
/** What decides whether the copy is held back, and what the file needs. */
const FIXED: ReadonlyMap<string, readonly [vr: string, value: string]> = new Map([
  ['00080008', ['CS', 'ORIGINAL\\PRIMARY']],
  ['00080016', ['UI', '1.2.840.10008.5.1.4.1.1.2']],
  ['00180015', ['CS', 'CHEST ']],
  ['00280301', ['CS', 'NO']],
  ['00280302', ['CS', 'NO']],
]);

/**
 * A CT file with a different identifier of 12 or more characters in each attribute of PS3.6 and in private attributes: at the top level,
 * and in a sequence at `depth`. `first`: the number of the first identifier.
 */
export function plantedFile(first: number, depth: number): PlantedFile {
  const planted: string[] = [];
  const next = (vr: string): string => {
    const number = String(first + planted.length).padStart(6, '0');
    const text = vr === 'UI' ? `1.2.3.9${number}7` : `PLANT ${number}`.replace(' ', vr === 'CS' ? '_' : '^');
    planted.push(text);
    return text;
  };
  const inside = allElements(next, false);
  const nested = Array.from({ length: depth }).reduce<Buffer>((item) => sequenceOf(item), inside);
  const items = itemOf(nested);
  const outside = allElements(
    next,
    true,
    new Map([
      ['00400555', items],
      ['00081140', items],
    ]),
  );
  const meta = Buffer.concat([
    elementOf('00020001', 'OB', Buffer.of(0, 1)),
    elementOf('00020002', 'UI', textOf('1.2.840.10008.5.1.4.1.1.2')),
    elementOf('00020003', 'UI', textOf(next('UI'))),
    elementOf('00020010', 'UI', textOf('1.2.840.10008.1.2.1')),
    elementOf('00020016', 'AE', textOf(next('AE'))),
    elementOf('00020102', 'OB', textOf(next('OB'))),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(meta.length);
  const preamble = Buffer.alloc(128);
  preamble.write(next('LO'), 'latin1');
  const parts = [preamble, Buffer.from('DICM'), elementOf('00020000', 'UL', length), meta, outside];
  return { file: Buffer.concat(parts), planted };
}

function allElements(
  next: (vr: string) => string,
  isTop: boolean,
  sequences: ReadonlyMap<string, Buffer> = new Map(),
): Buffer {
  const encoded: Buffer[] = [];
  for (const [key, { vr: listed }] of Object.entries(dictionary).toSorted(([one], [other]) =>
    one < other ? -1 : 1,
  )) {
    const tag = key.replace(/[(),]/g, '').replace(/xx/, '00').toUpperCase();
    if (!/^[0-9A-F]{8}$/.test(tag) || tag < '00080000' || /^(FFFE|60)/.test(tag)) continue;
    const fixed = isTop ? FIXED.get(tag) : undefined;
    const items = sequences.get(tag);
    const [vr = 'UN'] = listed.split(' or ');
    if (fixed !== undefined) encoded.push(elementOf(tag, fixed[0], textOf(fixed[1])));
    else if (items !== undefined) encoded.push(elementOf(tag, 'SQ', items));
    else if (ARRAYS.test(tag) || !/^[A-Z]{2}$/.test(vr) || vr === 'SQ') continue;
    else encoded.push(elementOf(tag, vr, textOf(next(vr), vr)));
    if (tag.startsWith('0028') && !encoded.some((one) => one.readUInt16LE(0) === 0x29))
      encoded.push(...privateElements(next));
  }
  return sorted(encoded);
}

/** Private attributes with a creator (PS3.5 §7.8.1), in each VR. */
function privateElements(next: (vr: string) => string): Buffer[] {
  const vrs = ['LO', 'PN', 'UN', 'OB', 'UT', 'CS', 'DS'];
  return [
    elementOf('00290010', 'LO', textOf(next('LO'))),
    ...vrs.map((vr, at) => elementOf(`002910${at + 10}`, vr, textOf(next(vr)))),
  ];
}

function sequenceOf(item: Buffer): Buffer {
  return elementOf('00081140', 'SQ', itemOf(item));
}

function itemOf(bytes: Buffer): Buffer {
  const head = Buffer.from('feff00e000000000', 'hex');
  head.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([head, bytes]);
}

function tagOf(one: Buffer): number {
  return one.readUInt16LE(0) * 65536 + one.readUInt16LE(2);
}

function sorted(encoded: readonly Buffer[]): Buffer {
  const byTag = new Map(encoded.map((one) => [tagOf(one), one]));
  return Buffer.concat([...byTag.entries()].toSorted(([one], [other]) => one - other).map(([, one]) => one));
}

/** A text padded to an even length, and to a whole number of binary values. */
function textOf(text: string, vr = 'LO'): Buffer {
  const unit = /^(FD|OD|SV|UV|OV)$/.test(vr) ? 8 : /^(FL|OF|UL|SL|OL|AT)$/.test(vr) ? 4 : 2;
  const padding = (unit - (text.length % unit)) % unit;
  return Buffer.from(text + (vr === 'UI' ? '\0' : ' ').repeat(padding), 'latin1');
}

function elementOf(tag: string, vr: string, value: Buffer): Buffer {
  const isShort = SHORT_FORM.has(vr);
  const head = Buffer.alloc(isShort ? 8 : 12);
  head.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  head.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  head.write(vr, 4, 'latin1');
  if (isShort) head.writeUInt16LE(value.length, 6);
  else head.writeUInt32LE(value.length, 8);
  return Buffer.concat([head, value]);
}
