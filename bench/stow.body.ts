const BOUNDARY = 'radgate-bench';

/** The Content-Type of {@link stowBody}. */
export const STOW_TYPE = `multipart/related; type="application/dicom"; boundary=${BOUNDARY}`;

/** The body of a STOW-RS request with these files. */
export function stowBody(files: readonly Buffer[]): Buffer {
  const parts = files.flatMap((file) => [
    Buffer.from(`\r\n--${BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n`),
    file,
  ]);
  return Buffer.concat([...parts, Buffer.from(`\r\n--${BOUNDARY}--\r\n`)]);
}
