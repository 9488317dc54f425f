/**
 * The pixels cannot be rendered: they contradict the header, or they are of a kind that is not supported. The message contains no data from
 * the file.
 */
export class PixelsRefused extends Error {
  override readonly name = 'PixelsRefused';
}
