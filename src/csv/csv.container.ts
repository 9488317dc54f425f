import { PassThrough, Transform, type TransformCallback } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { LIMITS } from './csv.limits.js';
import { FileRefused } from './csv.refusal.js';

const startsWith = (head: Uint8Array, ...bytes: number[]) => bytes.every((byte, at) => head[at] === byte);

/**
 * Detects the container of a file from its first bytes. `head` must have at least 300 bytes, or the whole file if the file is shorter.
 * Throws `FileRefused` if the file is neither text nor gzip nor a workbook (XLSX, ODS).
 */
export function recogniseContainer(head: Buffer): 'gzip' | 'text' | 'workbook' | 'open-document' {
  if (startsWith(head, 0x1f, 0x8b)) return 'gzip';
  if (startsWith(head, 0x50, 0x4b)) {
    const names = head.toString('latin1');
    if (/opendocument\.spreadsheet/u.test(names)) return 'open-document';
    if (/\[Content_Types\]\.xml|xl\/|_rels\/|docProps\//u.test(names)) return 'workbook';
    throw new FileRefused('file-archive');
  }
  if (startsWith(head, 0xd0, 0xcf, 0x11, 0xe0)) throw new FileRefused('file-spreadsheet');
  const binary = startsWith(head, 0x25, 0x50, 0x44, 0x46) || startsWith(head, 0x89, 0x50, 0x4e, 0x47);
  if (binary || startsWith(head, 0xff, 0xd8, 0xff)) throw new FileRefused('file-binary');
  return 'text';
}

/**
 * Decompresses gzip. The output fails with `FileRefused` if the decompressed size or the compression ratio is too high, or the file is
 * damaged or incomplete.
 */
export function gunzipCapped(limit: number = LIMITS.bytes): {
  input: NodeJS.WritableStream;
  output: AsyncIterable<Buffer>;
} {
  let packed = 0;
  let unpacked = 0;
  const count = new PassThrough();
  count.on('data', (chunk: Buffer) => {
    packed += chunk.length;
  });
  const cap = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      unpacked += chunk.length;
      if (unpacked > limit) done(new FileRefused('file-too-large'));
      // A high ratio is allowed for small files.
      else if (unpacked > 2 ** 24 && unpacked > packed * LIMITS.gzipRatio)
        done(new FileRefused('file-gzip-bomb'));
      else done(null, chunk);
    },
  });
  const gunzip = createGunzip();
  gunzip.on('error', () => cap.destroy(new FileRefused('file-gzip-broken')));
  cap.on('close', () => {
    gunzip.destroy();
    count.destroy();
  });
  count.pipe(gunzip).pipe(cap);
  return { input: count, output: cap };
}
