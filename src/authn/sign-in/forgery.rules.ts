import { ForgerySuspected } from '../../problems/errors.js';
import { macOf, sameSecret } from '../tokens/tokens.hash.js';

/** The parts of a request that show whether a page of this service sent the request. */
export interface Provenance {
  readonly method: string;
  readonly path: string;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly csrfHeader: string | undefined;
  readonly csrfCookie: string | undefined;
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * The value of the `csrf_token` cookie. It is derived from the session token, so an attacker cannot make the browser send a valid value.
 */
export function csrfTokenOf(sessionToken: string): string {
  return macOf(sessionToken, 'csrf');
}

/**
 * Checks a request with a session cookie. A request with an unsafe method needs `Origin` or `Sec-Fetch-Site`. If one of these headers is
 * present, it must be same-origin. Outside `/dicom-web`, the request also needs `X-CSRF-Token`. `/dicom-web` does not require this header,
 * because OHIF cannot add the header. Throws {@link ForgerySuspected}.
 */
export function refuseForgery(request: Provenance, publicOrigin: string, sessionToken: string): void {
  if (SAFE.has(request.method)) return;
  if (request.origin === undefined && request.fetchSite === undefined)
    throw new ForgerySuspected(
      'origin-required',
      'A request that changes data with a session cookie must have the header Origin or Sec-Fetch-Site. Send one, or use a bearer token.',
    );
  refuseForeign(request, publicOrigin);
  if (/^\/dicom-web(\/|$)/.test(request.path)) return;
  const { csrfHeader = '', csrfCookie = '' } = request;
  if (!sameSecret(csrfHeader, csrfCookie) || !sameSecret(csrfHeader, csrfTokenOf(sessionToken)))
    throw new ForgerySuspected(
      'csrf-token-mismatch',
      'X-CSRF-Token must equal the csrf_token cookie. Send its value.',
    );
}

/**
 * Throws {@link ForgerySuspected} if `Origin` or `Sec-Fetch-Site` shows that the request is cross-site. A request without these headers is
 * accepted.
 */
export function refuseForeign(
  { origin, fetchSite }: Pick<Provenance, 'origin' | 'fetchSite'>,
  publicOrigin: string,
): void {
  if (
    (origin !== undefined && origin !== publicOrigin) ||
    (fetchSite !== undefined && fetchSite !== 'same-origin')
  )
    throw new ForgerySuspected(
      'cross-site-request',
      'The request comes from another site. Use a page of this service, or a bearer token.',
    );
}
