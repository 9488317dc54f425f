/** A QR code as a path of an SVG picture with this number of units on each side. It includes the white border of four units. */
export interface QrCode {
  readonly size: number;
  readonly path: string;
}

const QUIET_ZONE = 4;

/** Draws a text as a QR code (ISO/IEC 18004). The browser draws it, so a secret in the text does not leave the page. */
export async function qrCodeOf(content: string): Promise<QrCode> {
  const { encode } = await import('uqr');
  const { data, size } = encode(content, { ecc: 'M', border: QUIET_ZONE });
  const path = data
    .flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : '')))
    .join('');
  return { size, path };
}
