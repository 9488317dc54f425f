import { ForgerySuspected } from '../../problems/errors.js';
import { macOf, sameSecret } from '../tokens/tokens.hash.js';

/** The parts of a request that show whether a page of this service sent it. */
export interface Provenance {
  readonly method: string;
  readonly path: string;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly csrfHeader: string | undefined;
  readonly csrfCookie: string | undefined;
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The value of the `csrf_token` cookie. It is derived from the session, so that an attacker cannot plant a cookie of their own. */
export function csrfTokenOf(sessionToken: string): string {
  return macOf(sessionToken, 'csrf');
}

/**
 * The rules for a request with a session cookie. An unsafe method needs `Origin` or `Sec-Fetch-Site`, and both must be same-origin. Outside
 * `/dicom-web` it also needs `X-CSRF-Token`; OHIF cannot add that header. Throws {@link ForgerySuspected}.
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

/** Refuses a request that a browser marks as cross-site. A request without these headers passes. */
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
