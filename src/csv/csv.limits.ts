/** Limits of a file. A record above the limit `record` is one rejected row. Every other limit rejects the whole file. */
export const LIMITS = {
  bytes: 2 ** 30,
  rows: 5_000_000,
  columns: 256,
  /** The maximum size of one record, in bytes of UTF-8. It also limits the number of lines after a quote that is never closed. */
  record: 64 * 1024,
  /** The number of bytes at the start of the file that are used to detect the encoding and the delimiter. */
  head: 256 * 1024,
  brokenRows: 1_000,
  /** The maximum number of columns of a sheet, also of empty ones with a format. */
  sheetColumns: 1_024,
  /** The maximum number of texts in the table of texts of a workbook, and their maximum length together. The table is in memory. */
  sharedStrings: 1_000_000,
  sharedText: 2 ** 25,
  /** The maximum ratio of the decompressed size to the compressed size. */
  gzipRatio: 200,
} as const;
