/** A file of a ZIP archive, after it was written. `is64`: whether its data descriptor has lengths of 64 bits. */
export interface WrittenFile {
  readonly name: string;
  readonly crc: number;
  /** Length of the file in bytes. It is stored without compression. */
  readonly size: number;
  /** Position of its local header in the archive, in bytes. */
  readonly offset: number;
  readonly is64: boolean;
}

const [MAX_16, MAX_32] = [0xffff, 0xffffffff];
/** The version of the format that supports ZIP64, and the one that supports folders and stored files (APPNOTE.TXT §4.4.3). */
const [VERSION_64, VERSION] = [45, 20];
/** Made on Unix. */
const MADE_BY = (3 << 8) | VERSION_64;
/** The lengths and the checksum come after the file (bit 3), and names are UTF-8 (bit 11). */
const FLAGS = 0x0808;
/** An ordinary file that everybody may read and the owner may write. */
const ATTRIBUTES = 0o100644 << 16;
const EXTRA_64 = 1;

/** The header before a file (APPNOTE.TXT §4.3.7). Its lengths and checksum follow after the file. */
export function localHeader(name: string, modified: Date, is64: boolean): Buffer {
  const extra = is64 ? fields([2, EXTRA_64], [2, 16], [8, 0], [8, 0]) : Buffer.alloc(0);
  const length = is64 ? MAX_32 : 0;
  return Buffer.concat([
    fields([4, 0x04034b50], [2, is64 ? VERSION_64 : VERSION], [2, FLAGS], [2, 0], ...dosTime(modified)),
    fields([4, 0], [4, length], [4, length], [2, Buffer.byteLength(name)], [2, extra.length]),
    Buffer.from(name),
    extra,
  ]);
}

/** The data descriptor after a file (APPNOTE.TXT §4.3.9). */
export function dataDescriptor({ crc, size, is64 }: Omit<WrittenFile, 'name' | 'offset'>): Buffer {
  const width = is64 ? 8 : 4;
  return fields([4, 0x08074b50], [4, crc], [width, size], [width, size]);
}

/** The entry of a file in the central directory (APPNOTE.TXT §4.3.12). A number that needs more than 32 bits is in the ZIP64 field. */
export function centralEntry({ name, crc, size, offset, is64 }: WrittenFile, modified: Date): Buffer {
  const isLong = size >= MAX_32;
  const isFar = offset >= MAX_32;
  const long: Field[] = [...(isLong ? lengths(8, size) : []), ...(isFar ? ([[8, offset]] as const) : [])];
  const extra = long.length === 0 ? Buffer.alloc(0) : fields([2, EXTRA_64], [2, long.length * 8], ...long);
  const version = is64 || isLong || isFar ? VERSION_64 : VERSION;
  return Buffer.concat([
    fields([4, 0x02014b50], [2, MADE_BY], [2, version], [2, FLAGS], [2, 0], ...dosTime(modified)),
    fields([4, crc], ...lengths(4, Math.min(size, MAX_32)), [2, Buffer.byteLength(name)]),
    fields([2, extra.length], [2, 0], [2, 0], [2, 0], [4, ATTRIBUTES >>> 0], [4, Math.min(offset, MAX_32)]),
    Buffer.from(name),
    extra,
  ]);
}

/**
 * The end of an archive (APPNOTE.TXT §4.3.14 to §4.3.16). `count` is the number of files. `start` and `length` are the position and the
 * length of the central directory in bytes. The ZIP64 records are written only if a number needs them.
 */
export function endOfArchive(count: number, start: number, length: number): Buffer {
  const is64 = count >= MAX_16 || start >= MAX_32 || length >= MAX_32;
  const end64 = fields(
    ...([
      [4, 0x06064b50],
      [8, 44],
      [2, MADE_BY],
      [2, VERSION_64],
      [4, 0],
      [4, 0],
    ] as const),
    ...([
      [8, count],
      [8, count],
      [8, length],
      [8, start],
    ] as const),
    ...([
      [4, 0x07064b50],
      [4, 0],
      [8, start + length],
      [4, 1],
    ] as const),
  );
  const total = Math.min(count, MAX_16);
  const end = fields(
    ...([
      [4, 0x06054b50],
      [2, 0],
      [2, 0],
      [2, total],
      [2, total],
    ] as const),
    ...([
      [4, Math.min(length, MAX_32)],
      [4, Math.min(start, MAX_32)],
      [2, 0],
    ] as const),
  );
  return is64 ? Buffer.concat([end64, end]) : end;
}

type Field = readonly [width: 2 | 4 | 8, value: number];

function lengths(width: 4 | 8, size: number): Field[] {
  return [
    [width, size],
    [width, size],
  ];
}

/** Numbers in little endian. */
function fields(...all: readonly Field[]): Buffer {
  const bytes = Buffer.alloc(all.reduce((sum, [width]) => sum + width, 0));
  let at = 0;
  for (const [width, value] of all) {
    if (width === 8) bytes.writeBigUInt64LE(BigInt(value), at);
    else bytes.writeUIntLE(value, at, width);
    at += width;
  }
  return bytes;
}

/** Time and date of MS-DOS in UTC (APPNOTE.TXT §4.4.6). The time has a resolution of two seconds, and the first year is 1980. */
function dosTime(at: Date): Field[] {
  const year = Math.min(Math.max(at.getUTCFullYear(), 1980), 2107) - 1980;
  return [
    [2, (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1)],
    [2, (year << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate()],
  ];
}
