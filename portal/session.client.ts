import { csrfToken } from './csrf.token.ts';

/** Whether somebody is signed in, and the name to show. `away` means that the gateway does not answer. */
export type Session = { state: 'signed-in'; name: string } | { state: 'signed-out' } | { state: 'away' };

/** The result of a sign-in. `seconds` is the time that the gateway requires the client to wait. */
export type SignIn =
  | { outcome: 'signed-in' }
  | { outcome: 'wrong' }
  | { outcome: 'too-many'; seconds: number }
  | { outcome: 'away' }
  | { outcome: 'refused'; status: number };

const TIMEOUT_MS = 15_000;
const DEFAULT_WAIT_S = 60;

/** Sends a request to the gateway. Returns `undefined` if there is no response or its status is 5xx. */
async function ask(path: string, init: RequestInit): Promise<Response | undefined> {
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

function valueAt(value: unknown, key: string): unknown {
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

/** Opens a session. The gateway sets the session in cookies, and the page itself gets no token. */
export async function signIn(username: string, password: string): Promise<SignIn> {
  const answer = await ask('/api/auth/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ username, password, session: true }),
  });
  if (!answer) return { outcome: 'away' };
  if (answer.ok) return { outcome: 'signed-in' };
  if (answer.status === 429) {
    return { outcome: 'too-many', seconds: secondsToWait(answer.headers.get('retry-after'), Date.now()) };
  }
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
