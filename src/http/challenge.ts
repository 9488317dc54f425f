import type { IncomingHttpHeaders } from 'node:http';

const BEARER = 'Bearer realm="radgate"';

/**
 * The values of `WWW-Authenticate` in a 401 (RFC 9110 §11.6.1). Clients that look like a browser are not offered `Basic`: a browser
 * would ask its user for a password.
 */
export function challengesFor(headers: IncomingHttpHeaders): string | string[] {
  const isBrowser =
    headers.origin !== undefined ||
    headers.cookie !== undefined ||
    Object.keys(headers).some((name) => name.startsWith('sec-fetch-'));
  return isBrowser ? BEARER : [BEARER, 'Basic realm="radgate", charset="UTF-8"'];
}
