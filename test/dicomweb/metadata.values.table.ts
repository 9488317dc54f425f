/**
 * One VR, with the bytes of its value in little endian and the expected metadata. `said` is the expected `Value`. It is undefined if there
 * is no value, and `bulk` if the metadata must refer to bulk data.
 */
export interface WrittenValue {
  readonly vr: string;
  readonly bytes: Buffer;
  readonly said: readonly unknown[] | undefined | 'bulk';
}

export const SHAPES = ['empty', 'one', 'many', 'gaps', 'padded', 'malformed'] as const;
export type Shape = (typeof SHAPES)[number];

/** The number of bytes of one number, by VR. In big endian, these bytes are reversed. */
export const WIDTHS: Readonly<Record<string, number>> = Object.fromEntries([
  ...['AT', 'OW', 'SS', 'US'].map((vr) => [vr, 2] as const),
  ...['FL', 'OF', 'OL', 'SL', 'UL'].map((vr) => [vr, 4] as const),
  ...['FD', 'OD', 'OV', 'SV', 'UV'].map((vr) => [vr, 8] as const),
]);

const SELECTORS =
  'AE 5E, AS 5F, AT 60, DA 61, CS 62, DT 63, IS 64, OB 65, LO 66, OF 67, LT 68, OW 69, PN 6A, TM 6B, SH 6C, UN 6D, ST 6E, UC 6F, UT 70, UR 71, DS 72, OD 73, FD 74, OL 75, FL 76, UL 78, US 7A, SL 7C, SS 7E, UI 7F, OV 81, SV 82, UV 83';

/** Public elements, one of each VR (PS3.6: the Selector Value attributes). */
export const TAGS: Readonly<Record<string, string>> = Object.fromEntries(
  SELECTORS.split(', ').map((one) => [one.slice(0, 2), `007200${one.slice(3)}`] as const),
);

type Row = readonly [written: string | Buffer, said: readonly unknown[] | undefined | 'bulk'];
type Rows = Readonly<Record<Exclude<Shape, 'empty'>, Row>>;

/** Texts with several values. Spaces around a value are ignored. An empty value is null (PS3.18 F.2.5). */
const texts = (one: string, other: string): Rows => ({
  one: [one, [one]],
  many: [`${one}\\${other}`, [one, other]],
  gaps: [`${one}\\\\${other}\\`, [one, null, other, null]],
  padded: [`  ${one} \\${other}  `, [one, other]],
  malformed: ['@ \\\t#', ['@', '\t#']],
});
/** Texts in which a backslash is a character and leading spaces are significant (PS3.5 §6.2). */
const paragraph: Rows = {
  one: ['line', ['line']],
  many: ['one\\two', ['one\\two']],
  gaps: ['\\\\', ['\\\\']],
  padded: ['  line  ', ['  line']],
  malformed: ['    ', undefined],
};
/** Numbers. For truncated numbers and numbers that JSON cannot represent, the metadata refers to bulk data (PS3.18 F.2.2). */
const numbers = (write: (values: readonly number[]) => Buffer, one: number, other: number): Rows => ({
  one: [write([one]), [one]],
  many: [write([one, other, one]), [one, other, one]],
  gaps: [write([0]), [0]],
  padded: [write([other]), [other]],
  malformed: [write([one, other]), [one, other]],
});
const cut = (rows: Rows, width: number): Rows => ({
  ...rows,
  malformed: [Buffer.alloc(width + width / 2, 1), 'bulk'],
});
const bytesOf = (length: number): Rows => {
  const row = (times: number): Row => [
    Buffer.from(Array.from({ length: length * times }, (_, at) => (at * 37 + times) & 0xff)),
    'bulk',
  ];
  return { one: row(1), many: row(40), gaps: row(2), padded: row(3), malformed: row(5) };
};
const written =
  (width: number, write: (to: Buffer, value: number, at: number) => void) => (values: readonly number[]) => {
    const bytes = Buffer.alloc(values.length * width);
    values.forEach((value, at) => write(bytes, value, at * width));
    return bytes;
  };
const floats = written(4, (to, value, at) => to.writeFloatLE(value, at));
const doubles = written(8, (to, value, at) => to.writeDoubleLE(value, at));
const longs = written(8, (to, value, at) => to.writeBigInt64LE(BigInt(value), at));
const told = ([bytes, said]: Row): Row => [
  bytes,
  Array.isArray(said) ? said.map((value) => BigInt(value).toString()) : said,
];
const asDigits = ({ one, many, gaps, padded: filled, malformed }: Rows): Rows => ({
  one: told(one),
  many: told(many),
  gaps: told(gaps),
  padded: told(filled),
  malformed: told(malformed),
});

const table: Readonly<Record<string, Rows>> = {
  AE: texts('STATION', 'OTHER'),
  AS: texts('043Y', '007D'),
  CS: texts('ORIGINAL', 'PRIMARY'),
  DA: texts('20240229', '19991231'),
  DT: texts('20240229101500.5', '2024'),
  LO: { ...texts('Łódź', 'two words'), malformed: ['\u00a0x\u00a0\\\ty', ['\u00a0x\u00a0', '\ty']] },
  SH: texts('short', 'other'),
  TM: texts('101500.25', '10'),
  UI: { ...texts('1.2.3', '1.2.840'), padded: ['1.2.3\\1.2.840\0', ['1.2.3', '1.2.840']] },
  UC: { ...texts('long', 'other'), padded: ['  long \\  other  ', ['  long', '  other']] },
  DS: {
    ...texts('0.5', '-1.50e2'),
    many: ['0.5\\abc', ['0.5', 'abc']],
    malformed: ['@\\1e400\\1,5', ['@', '1e400', '1,5']],
  },
  IS: {
    one: ['7', [7]],
    many: ['1\\-2\\+3', [1, -2, 3]],
    gaps: ['1\\\\2\\', [1, null, 2, null]],
    padded: [' 1 \\ 2  ', [1, 2]],
    malformed: ['7.0\\@\\99999999999\\1e3', ['7.0', '@', '99999999999', '1e3']],
  },
  PN: {
    one: [
      'Yamada^Tarou=山田^太郎=やまだ^たろう',
      [{ Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' }],
    ],
    many: ['A^B\\C^D==X', [{ Alphabetic: 'A^B' }, { Alphabetic: 'C^D', Phonetic: 'X' }]],
    gaps: ['A\\\\=B', [{ Alphabetic: 'A' }, null, { Ideographic: 'B' }]],
    padded: [' A^B = 山 ', [{ Alphabetic: 'A^B', Ideographic: '山' }]],
    malformed: ['=山田^太郎=\\==', [{ Ideographic: '山田^太郎' }, null]],
  },
  LT: paragraph,
  ST: paragraph,
  UT: paragraph,
  UR: paragraph,
  US: numbers(
    written(2, (to, value, at) => to.writeUInt16LE(value, at)),
    7,
    65535,
  ),
  SS: numbers(
    written(2, (to, value, at) => to.writeInt16LE(value, at)),
    -7,
    32767,
  ),
  UL: cut(
    numbers(
      written(4, (to, value, at) => to.writeUInt32LE(value, at)),
      7,
      4294967295,
    ),
    4,
  ),
  SL: cut(
    numbers(
      written(4, (to, value, at) => to.writeInt32LE(value, at)),
      -7,
      2147483647,
    ),
    4,
  ),
  FL: { ...numbers(floats, 0.5, -3), malformed: [floats([1, Number.NaN]), 'bulk'] },
  FD: { ...numbers(doubles, 0.1, -1e300), malformed: [doubles([1, Number.POSITIVE_INFINITY]), 'bulk'] },
  SV: cut(asDigits(numbers(longs, -7, 2 ** 53)), 8),
  UV: cut(asDigits(numbers(longs, 7, 2 ** 60)), 8),
  AT: {
    one: [Buffer.from('18006310', 'hex'), ['00181063']],
    many: [Buffer.from('18006310e07f1000', 'hex'), ['00181063', '7FE00010']],
    gaps: [Buffer.from('00000000', 'hex'), ['00000000']],
    padded: [Buffer.from('5400fdab', 'hex'), ['0054ABFD']],
    malformed: [Buffer.from('180063105400', 'hex'), 'bulk'],
  },
  OB: bytesOf(2),
  OW: bytesOf(2),
  OF: bytesOf(4),
  OL: bytesOf(4),
  OD: bytesOf(8),
  OV: bytesOf(8),
  UN: bytesOf(2),
};

/** The values of one shape, for every VR. */
export function writtenValuesOf(shape: Shape): readonly WrittenValue[] {
  return Object.entries(table).map(([vr, rows]) => {
    if (shape === 'empty') return { vr, bytes: Buffer.alloc(0), said: undefined };
    const [bytes, said] = rows[shape];
    return { vr, bytes: padded(vr, Buffer.from(bytes)), said };
  });
}

function padded(vr: string, bytes: Buffer): Buffer {
  if (bytes.length % 2 === 0) return bytes;
  return Buffer.concat([bytes, Buffer.of(vr === 'UI' ? 0 : 0x20)]);
}

/** The same value in big endian. */
export function inBigEndian({ vr, bytes }: WrittenValue): Buffer {
  const width = WIDTHS[vr] ?? 1;
  if (width === 1) return bytes;
  const whole = bytes.length - (bytes.length % width);
  const turned = Buffer.from(bytes);
  for (let at = 0; at < whole; at += width) turned.subarray(at, at + width).reverse();
  return turned;
}
