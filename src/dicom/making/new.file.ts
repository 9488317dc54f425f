/** A new DICOM file. Its bytes are the pieces in order. */
export interface NewFile {
  readonly sopClassUid: string;
  readonly transferSyntax: string;
  readonly pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}
