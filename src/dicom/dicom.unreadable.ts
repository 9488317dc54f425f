/** Why a header cannot be read. */
export type HeaderFault =
  | 'deflate'
  | 'identity'
  | 'length'
  | 'meta'
  | 'not-dicom'
  | 'structure'
  | 'too-deep'
  | 'too-large'
  | 'too-many'
  | 'transfer-syntax'
  | 'truncated';

/** The bytes are not a readable DICOM Part 10 file. The message contains no data from the file. */
export class DicomUnreadable extends Error {
  override readonly name = 'DicomUnreadable';
  readonly reason: HeaderFault;

  constructor(reason: HeaderFault, message: string) {
    super(message);
    this.reason = reason;
  }

  /** The same value as `reason`. The log records the `code` of every error. */
  get code(): HeaderFault {
    return this.reason;
  }
}
