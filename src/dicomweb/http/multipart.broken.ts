/** Why a multipart body cannot be read. */
export type MultipartFault =
  'boundary' | 'header' | 'line-end' | 'no-part' | 'too-long' | 'too-many-parts' | 'truncated';

/** The body is not what RFC 2046 §5.1.1 describes, or more than the limits allow. The message holds nothing of the body. */
export class MultipartBroken extends Error {
  override readonly name = 'MultipartBroken';

  constructor(
    readonly reason: MultipartFault,
    message: string,
  ) {
    super(message);
  }
}
