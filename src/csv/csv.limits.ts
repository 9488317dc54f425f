/** What a file may be; beyond it nothing is read, or one row is refused. */
export const LIMITS = {
  bytes: 2 ** 30,
  rows: 5_000_000,
  columns: 256,
  /** Bytes of one record in UTF-8: one open quote must not swallow the file. */
  record: 64 * 1024,
  /** What is kept of the beginning to find out encoding and delimiter. */
  head: 256 * 1024,
  brokenRows: 1_000,
  /** How often a compressed file may be larger than it looks. */
  gzipRatio: 200,
} as const;
