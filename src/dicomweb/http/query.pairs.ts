import { BadRequest } from '../../problems/errors.js';

/**
 * The name and value of each parameter of a query string, percent-decoded once. `+` is decoded as a space, because HTML forms and Python
 * encode spaces in this way. Throws `BadRequest` for bytes that are not UTF-8, and for NUL.
 */
export function* queryPairs(raw: string): Generator<readonly [string, string]> {
  for (const piece of raw.split('&')) {
    if (piece === '') continue;
    const equals = piece.indexOf('=');
    const name = equals === -1 ? piece : piece.slice(0, equals);
    const value = equals === -1 ? '' : piece.slice(equals + 1);
    yield [decode(name), decode(value)];
  }
}

function decode(text: string): string {
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '));
    if (!decoded.includes('\0')) return decoded;
  } catch {
    // Invalid UTF-8 and NUL lead to the same error below.
  }
  throw new BadRequest(
    'invalid-parameter',
    'The query string is not valid percent-encoded UTF-8. Encode it as UTF-8.',
  );
}
