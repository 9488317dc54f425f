import { ForgerySuspected } from '../../problems/errors.js';
import { macOf, sameSecret } from '../tokens/tokens.hash.js';

/** What of a request tells whether a page of ours sent it. */
export interface Provenance {
  readonly method: string;
  readonly path: string;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly csrfHeader: string | undefined;
  readonly csrfCookie: string | undefined;
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The value of the `csrf_token` cookie: bound to the session, so that a planted cookie is worth nothing. */
export function csrfTokenOf(sessionToken: string): string {
  return macOf(sessionToken, 'csrf');
}

/**
 * The rules for a request that a cookie signs in (contract, "Who"): an unsafe method needs a same-origin `Origin` or
 * `Sec-Fetch-Site`, and none that says otherwise; outside `/dicom-web` (OHIF cannot add a header) also `X-CSRF-Token`.
 * Throws {@link ForgerySuspected}.
 */
export function refuseForgery(request: Provenance, publicOrigin: string, sessionToken: string): void {
  if (SAFE.has(request.method)) return;
  if (request.origin === undefined && request.fetchSite === undefined)
    throw new ForgerySuspected(
      'origin-required',
      'A change with a session cookie needs Origin or Sec-Fetch-Site.',
    );
  refuseForeign(request, publicOrigin);
  if (/^\/dicom-web(\/|$)/.test(request.path)) return;
  const { csrfHeader = '', csrfCookie = '' } = request;
  if (!sameSecret(csrfHeader, csrfCookie) || !sameSecret(csrfHeader, csrfTokenOf(sessionToken)))
    throw new ForgerySuspected(
      'csrf-token-mismatch',
      'X-CSRF-Token must be the value of the csrf_token cookie.',
    );
}

/** Refuses a request that a browser says came from elsewhere; one without such headers passes. */
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
      'The request does not come from a page of this service.',
    );
}
