import type { PixelFormat } from './pixel.format.js';

/**
 * The allocated words of a frame whose samples have at most 16 bits. `firstBit`: the bit of the first byte at which a frame of one-bit
 * pixels begins (PS3.5 §8.1.1). `bytes` are in little endian.
 */
export function wordsOfFrame(
  { bitsAllocated, rows, columns }: PixelFormat,
  bytes: Uint8Array,
  firstBit: number,
): Uint8Array | Uint16Array {
  if (bitsAllocated === 8) return bytes;
  if (bitsAllocated === 16) return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
  const bits = new Uint8Array(rows * columns);
  for (let at = 0; at < bits.length; at += 1) {
    const bit = firstBit + at;
    bits[at] = ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1;
  }
  return bits;
}

/** Returns the function from an allocated word to its stored value. Bits above High Bit, such as overlays, are not part of the value. */
export function storedValue({ bitsStored, highBit, isSigned }: PixelFormat): (word: number) => number {
  const shift = highBit - bitsStored + 1;
  const size = 2 ** bitsStored;
  return (word) => {
    const value = Math.floor(word / 2 ** shift) % size;
    return isSigned && value >= size / 2 ? value - size : value;
  };
}

/** Returns a function that reads the sample at an index, for samples of 32 bits and for floating point numbers. */
export function wideSamples(format: PixelFormat, bytes: Uint8Array): (at: number) => number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (format.numbers === 'float') return (at) => view.getFloat32(at * 4, true);
  if (format.numbers === 'double') return (at) => view.getFloat64(at * 8, true);
  const value = storedValue(format);
  return (at) => value(view.getUint32(at * 4, true));
}

/** Returns a function that reads the allocated word of an integer sample at an index, for 8, 16 and 32 bits. */
export function wordReader({ bitsAllocated }: PixelFormat, bytes: Uint8Array): (at: number) => number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bitsAllocated === 8) return (at) => view.getUint8(at);
  return bitsAllocated === 16 ? (at) => view.getUint16(at * 2, true) : (at) => view.getUint32(at * 4, true);
}
