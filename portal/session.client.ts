import { csrfToken } from './csrf.token.ts';

/** Whether somebody is signed in, and the name to show. `away` means that the gateway does not answer. */
export type Session = { state: 'signed-in'; name: string } | { state: 'signed-out' } | { state: 'away' };

/** What the sign-in needs besides the password: the methods of the account, or the factors that the person can add (`enrols`). */
export interface FactorRequest {
  readonly challenge: string;
  readonly methods: readonly string[];
  readonly enrols: boolean;
  /** The options for a passkey (PublicKeyCredentialRequestOptionsJSON). */
  readonly passkey: unknown;
}

/** The result of a sign-in. `seconds` is the time that the gateway requires the client to wait. */
export type SignIn =
  | { outcome: 'signed-in' }
  | { outcome: 'factor'; request: FactorRequest }
  | { outcome: 'wrong' }
  | { outcome: 'too-many'; seconds: number }
  | { outcome: 'away' }
  | { outcome: 'refused'; status: number };

const TIMEOUT_MS = 15_000;
const DEFAULT_WAIT_S = 60;

/** Sends a request to the gateway. Returns `undefined` if there is no response or its status is 5xx. */
export async function ask(path: string, init: RequestInit): Promise<Response | undefined> {
  try {
    const answer = await fetch(path, {
      ...init,
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return answer.status >= 500 ? undefined : answer;
  } catch {
    return undefined;
  }
}

/** Returns a member of a value that may be an object. */
export function valueAt(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([name]) => name === key)?.[1]
    : undefined;
}

/** Returns the name in the response of `GET /api/me`: the display name of the account, or else its user name. */
function nameOf(me: unknown): string {
  const account = valueAt(me, 'account') ?? me;
  const names = [...['display_name', 'username', 'name'].map((key) => valueAt(account, key)), account];
  return names.find((name): name is string => typeof name === 'string' && name !== '') ?? '';
}

/** Asks the gateway whether this browser has a session (`GET /api/me`). */
export async function currentSession(): Promise<Session> {
  const answer = await ask('/api/me', { headers: { accept: 'application/json' } });
  if (!answer) return { state: 'away' };
  if (!answer.ok) return { state: 'signed-out' };
  const me: unknown = await answer.json().catch(() => undefined);
  return { state: 'signed-in', name: nameOf(me) };
}

/** Returns the name of the OpenID Connect provider and the URL of its sign-in. Returns `undefined` if no provider is configured. */
export async function externalLogin(): Promise<{ name: string; url: string } | undefined> {
  const answer = await ask('/api/auth/methods', { headers: { accept: 'application/json' } });
  const external = answer?.ok ? valueAt(await answer.json().catch(() => undefined), 'external') : undefined;
  const [name, url] = [valueAt(external, 'name'), valueAt(external, 'url')];
  // The URL must be a path of this service.
  if (typeof name !== 'string' || typeof url !== 'string' || !url.startsWith('/api/')) return undefined;
  return { name, url };
}

/**
 * Returns the seconds to wait according to a Retry-After header, which contains seconds or a date (RFC 9110 §10.2.3). Returns at least one
 * second.
 */
export function secondsToWait(header: string | null, now: number): number {
  if (header === null) return DEFAULT_WAIT_S;
  const seconds = /^\d+$/.test(header) ? Number(header) : Math.ceil((Date.parse(header) - now) / 1000);
  return Number.isFinite(seconds) ? Math.max(1, seconds) : DEFAULT_WAIT_S;
}

/** Returns the result of an answer with the status 429. */
export function tooMany({ headers }: Response): { outcome: 'too-many'; seconds: number } {
  return { outcome: 'too-many', seconds: secondsToWait(headers.get('retry-after'), Date.now()) };
}

/** Reads the problem `second_factor_required`. Returns `undefined` for another problem. */
export function factorRequestOf(problem: unknown): FactorRequest | undefined {
  const challenge = valueAt(problem, 'challenge');
  if (valueAt(problem, 'code') !== 'second_factor_required' || typeof challenge !== 'string')
    return undefined;
  const methods = valueAt(problem, 'methods');
  return {
    challenge,
    methods: Array.isArray(methods) ? methods.filter((method) => typeof method === 'string') : [],
    enrols: valueAt(problem, 'enrol') === true,
    passkey: valueAt(problem, 'passkey'),
  };
}

/** Opens a session. The gateway sets the session in cookies, and the page itself gets no token. */
export async function signIn(username: string, password: string): Promise<SignIn> {
  const answer = await ask('/api/auth/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ username, password, session: true }),
  });
  if (!answer) return { outcome: 'away' };
  if (answer.ok) return { outcome: 'signed-in' };
  const request =
    answer.status === 401 ? factorRequestOf(await answer.json().catch(() => undefined)) : undefined;
  if (request !== undefined) return { outcome: 'factor', request };
  if (answer.status === 429) return tooMany(answer);
  // 400 and 422 mean that the gateway cannot accept such a name or password, so the name or the password is wrong.
  if (answer.status === 401 || answer.status === 400 || answer.status === 422) return { outcome: 'wrong' };
  return { outcome: 'refused', status: answer.status };
}

/** Ends the session. Returns true if the gateway confirms that the session has ended. */
export async function signOut(cookies: string): Promise<boolean> {
  const answer = await ask('/api/auth/logout', {
    method: 'POST',
    headers: { 'x-csrf-token': csrfToken(cookies) },
  });
  return answer !== undefined && (answer.ok || answer.status === 401);
}
