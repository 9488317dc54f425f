/**
 * Encodes one frame of 16-bit grey samples as an RLE fragment (PS3.5 §G): a 64-byte header and two segments, first the high bytes, then
 * the low bytes. Each row of `columns` samples is encoded separately (PS3.5 §G.3.1).
 */
export function encodeRle(samples: readonly number[], columns: number): Buffer {
  const high = segment(
    samples.map((sample) => (sample >>> 8) & 0xff),
    columns,
  );
  const low = segment(
    samples.map((sample) => sample & 0xff),
    columns,
  );
  const header = Buffer.alloc(64);
  header.writeUInt32LE(2, 0);
  header.writeUInt32LE(64, 4);
  header.writeUInt32LE(64 + high.length, 8);
  return Buffer.concat([header, high, low]);
}

function segment(bytes: readonly number[], columns: number): Buffer {
  const packed: number[] = [];
  for (let at = 0; at < bytes.length; at += columns) packRow(bytes.slice(at, at + columns), packed);
  // A segment must have an even length (PS3.5 §G.3.2). A count of -128 is used as padding.
  if (packed.length % 2 === 1) packed.push(0x80);
  return Buffer.from(packed);
}

const LONGEST = 128;

/**
 * Encodes a row. Three or more equal bytes become a replicate run, and all other bytes become literal runs. Each run has at most 128 bytes.
 */
function packRow(row: readonly number[], packed: number[]): void {
  let literal: number[] = [];
  const flush = () => {
    if (literal.length > 0) packed.push(literal.length - 1, ...literal);
    literal = [];
  };
  for (let at = 0; at < row.length;) {
    const length = runAt(row, at);
    const taken = length >= 3 ? row.slice(at, at + length) : row.slice(at, at + 1);
    at += taken.length;
    if (taken.length === 1) literal.push(...taken);
    if (literal.length === LONGEST) flush();
    if (taken.length === 1) continue;
    flush();
    packed.push(257 - taken.length, ...taken.slice(0, 1));
  }
  flush();
}

/** Returns the number of equal bytes that begin at `at`. */
function runAt(row: readonly number[], at: number): number {
  let end = at + 1;
  while (end < row.length && end - at < LONGEST && row[end] === row[at]) end += 1;
  return end - at;
}
