/** Why a multipart body cannot be parsed. */
export type MultipartFault =
  'boundary' | 'header' | 'line-end' | 'no-part' | 'too-long' | 'too-many-parts' | 'truncated';

/** A multipart body violates RFC 2046 §5.1.1 or exceeds a limit. The message contains nothing from the body. */
export class MultipartBroken extends Error {
  override readonly name = 'MultipartBroken';

  constructor(
    readonly reason: MultipartFault,
    message: string,
  ) {
    super(message);
  }
}
