/** A file in a ZIP archive. `isEncrypted`: it needs a password. */
export interface ZipListing {
  readonly name: string;
  readonly size: number;
  readonly isEncrypted: boolean;
}

/** A request to the worker. `list` opens an archive; the other requests name a file of it by its position. */
export type ZipRequest =
  | { readonly id: number; readonly ask: 'list'; readonly archive: number; readonly file: Blob }
  | {
      readonly id: number;
      readonly ask: 'beginning' | 'read';
      readonly archive: number;
      readonly at: number;
    };

/** The answer of the worker. Without `value`, the archive or the file cannot be read. */
export interface ZipResponse {
  readonly id: number;
  readonly value?: readonly ZipListing[] | Uint8Array | Blob;
}
