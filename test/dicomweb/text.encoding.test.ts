import { expect, test } from 'vitest';
import { textEncodingOf } from '../../src/dicomweb/http/text.encoding.js';

test.each([
  [undefined, undefined],
  ['', undefined],
  ['identity', undefined],
  ['gzip', 'gzip'],
  ['gzip, deflate, br', 'gzip'],
  ['gzip, deflate, br, zstd', 'zstd'],
  ['ZSTD', 'zstd'],
  ['zstd;q=0, gzip', 'gzip'],
  ['zstd; q=0.5 , gzip;q=0.8', 'gzip'],
  ['gzip;q=0.5,zstd;q=0.50', 'zstd'],
  ['gzip;q=0, zstd;q=0.000', undefined],
  ['gzipped, zstd;level=3', undefined],
  ['*', undefined],
])('the compression for Accept-Encoding %s is %s', (header, encoding) => {
  expect(textEncodingOf(header)).toBe(encoding);
});
