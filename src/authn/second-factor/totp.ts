import { Secret, TOTP } from 'otpauth';

/** The length of a TOTP secret in bytes. RFC 4226 §4 (R6) recommends 160 bits. */
const SECRET_BYTES = 20;
export const TOTP_PERIOD_SECONDS = 30;
/** Number of time steps before and after the current one whose codes are accepted, because clocks differ (RFC 6238 §5.2). */
const WINDOW = 1;

const FORM = { algorithm: 'SHA1', digits: 6, period: TOTP_PERIOD_SECONDS } as const;

/** Creates a random TOTP secret. */
export function newTotpSecret(): Buffer {
  return Buffer.from(new Secret({ size: SECRET_BYTES }).buffer);
}

/** The secret in base32, and as an `otpauth:` URI for the QR code of an authenticator app. `issuer` is the host of the service. */
export function totpUriOf(
  secret: Buffer,
  issuer: string,
  account: string,
): { readonly secret: string; readonly uri: string } {
  const totp = new TOTP({ ...FORM, issuer, label: account, secret: secretOf(secret) });
  return { secret: totp.secret.base32, uri: totp.toString() };
}

/**
 * Returns the time step whose code this is (RFC 6238 §4.2), or `undefined` if the code is wrong. The previous, the current and the next
 * step are accepted. `now` is in milliseconds. The comparison takes constant time.
 */
export function totpStepOf(secret: Buffer, code: string, now: number): number | undefined {
  // The library fails for other texts of six characters.
  if (!/^[0-9]{6}$/.test(code)) return undefined;
  const totp = new TOTP({ ...FORM, secret: secretOf(secret) });
  const delta = totp.validate({ token: code, timestamp: now, window: WINDOW });
  return delta === null ? undefined : Math.floor(now / 1000 / TOTP_PERIOD_SECONDS) + delta;
}

/** Copies the bytes, because the buffer of a short Node Buffer is shared. */
function secretOf(secret: Buffer): Secret {
  return new Secret({ buffer: Uint8Array.from(secret).buffer });
}
