/** Limits of a file. `record` rejects one row; the others reject the file. */
export const LIMITS = {
  bytes: 2 ** 30,
  rows: 5_000_000,
  columns: 256,
  /** Bytes of one record in UTF-8. It bounds the rows that an open quote can swallow. */
  record: 64 * 1024,
  /** Bytes at the start of the file that are used to detect encoding and delimiter. */
  head: 256 * 1024,
  brokenRows: 1_000,
  /** Highest ratio of decompressed to compressed size. */
  gzipRatio: 200,
} as const;
