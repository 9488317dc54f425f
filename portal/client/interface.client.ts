import createClient, { type Middleware } from 'openapi-fetch';
import type { paths } from 'interface';
import { csrfToken } from '../csrf.token.ts';
import { Problem, problemOf } from './problems.ts';
import { sessionEnded, sessionUsed } from './session.state.ts';

const UNSAFE = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

const session: Middleware = {
  onRequest({ request }) {
    if (UNSAFE.has(request.method)) request.headers.set('x-csrf-token', csrfToken(document.cookie));
    return request;
  },
  async onResponse({ response }) {
    if (response.status === 401) sessionEnded();
    else sessionUsed();
    if (!response.ok) throw await problemOf(response);
  },
  onError() {
    return new Problem({ status: 0, code: 'no-answer', detail: '', requestId: '' });
  },
};

/** Requests to the gateway. Paths, parameters and bodies have the types of the OpenAPI document. A refusal is thrown as a {@link Problem}. */
export const gateway = createClient<paths>({
  baseUrl: location.origin,
  credentials: 'same-origin',
  headers: { accept: 'application/json' },
});
gateway.use(session);

/** Returns the body of an answer. An answer without a body, which the interface does not announce here, is a {@link Problem}. */
export async function bodyOf<T>(answer: Promise<{ data?: T }>): Promise<NonNullable<T>> {
  const { data } = await answer;
  if (data === undefined || data === null)
    throw new Problem({ status: 0, code: 'no-answer', detail: '', requestId: '' });
  return data;
}
