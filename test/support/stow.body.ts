const BOUNDARY = 'radgate-test-boundary';

/** A `multipart/related; type="application/dicom"` body with these files (PS3.18 §10.5). */
export function multipartOf(files: readonly Buffer[], boundary = BOUNDARY): { type: string; body: Buffer } {
  const parts = files.flatMap((file) => [
    Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`),
    file,
    Buffer.from('\r\n'),
  ]);
  return {
    type: `multipart/related; type="application/dicom"; boundary=${boundary}`,
    body: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
  };
}
