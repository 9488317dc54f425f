import type { Transform } from 'node:stream';
import { createGzip, createZstdCompress } from 'node:zlib';

/** The compressions of text, the preferred one first (RFC 8878, RFC 1952). */
export const TEXT_ENCODINGS = ['zstd', 'gzip'] as const;
export type TextEncoding = (typeof TEXT_ENCODINGS)[number];

/**
 * Returns the compression for an `Accept-Encoding` header (RFC 9110 §12.5.3). This is the compression with the highest weight, or zstd if
 * the weights are equal. A compression that the header does not name, or names with the weight 0, is not used. If there is no other, returns
 * `undefined`.
 */
export function textEncodingOf(header = ''): TextEncoding | undefined {
  const weights = new Map<string, number>();
  for (const part of header.split(',')) {
    const [, name, q = '1'] =
      /^\s*([\w-]+)\s*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?$/i.exec(part) ?? [];
    if (name !== undefined) weights.set(name.toLowerCase(), Number(q));
  }
  const accepted = TEXT_ENCODINGS.filter((one) => (weights.get(one) ?? 0) > 0);
  return accepted.toSorted((one, other) => (weights.get(other) ?? 0) - (weights.get(one) ?? 0))[0];
}

/** A stream that compresses. */
export function compressor(encoding: TextEncoding): Transform {
  return encoding === 'zstd' ? createZstdCompress() : createGzip();
}
