import type { IncomingHttpHeaders } from 'node:http';

const BEARER = 'Bearer realm="radgate"';

/**
 * Returns the values of `WWW-Authenticate` for a 401 (RFC 9110 §11.6.1). A client that looks like a browser gets no `Basic` challenge,
 * because a browser would then ask its user for a password.
 */
export function challengesFor(headers: IncomingHttpHeaders): string | string[] {
  const isBrowser =
    headers.origin !== undefined ||
    headers.cookie !== undefined ||
    Object.keys(headers).some((name) => name.startsWith('sec-fetch-'));
  return isBrowser ? BEARER : [BEARER, 'Basic realm="radgate", charset="UTF-8"'];
}
