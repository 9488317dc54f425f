/**
 * One frame of 16-bit grey samples as an RLE fragment (PS3.5 §G): a 64-byte header and two segments, the high bytes before the
 * low ones. Written as literal runs only: valid for every decoder, no smaller than the samples.
 */
export function encodeRle(samples: readonly number[]): Buffer {
  const high = literals(samples.map((sample) => (sample >>> 8) & 0xff));
  const low = literals(samples.map((sample) => sample & 0xff));
  const header = Buffer.alloc(64);
  header.writeUInt32LE(2, 0);
  header.writeUInt32LE(64, 4);
  header.writeUInt32LE(64 + high.length, 8);
  return Buffer.concat([header, high, low]);
}

function literals(bytes: readonly number[]): Buffer {
  const runs: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 128) {
    const run = bytes.slice(at, at + 128);
    runs.push(Buffer.of(run.length - 1, ...run));
  }
  const segment = Buffer.concat(runs);
  // A segment has an even length (PS3.5 §G.3.2); -128 as a count means nothing.
  return segment.length % 2 === 0 ? segment : Buffer.concat([segment, Buffer.of(0x80)]);
}
