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
  | 'transfer-syntax'
  | 'truncated';

/** The bytes are no DICOM Part 10 file whose header can be read. The message holds nothing of the file. */
export class DicomUnreadable extends Error {
  override readonly name = 'DicomUnreadable';

  constructor(
    readonly reason: HeaderFault,
    message: string,
  ) {
    super(message);
  }

  /** Named in the log, as the codes of other errors are. */
  get code(): HeaderFault {
    return this.reason;
  }
}
