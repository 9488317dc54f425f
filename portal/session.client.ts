/** Whether somebody is signed in, with the name to show, or `away` when the gateway does not answer. */
export type Session = { state: 'signed-in'; name: string } | { state: 'signed-out' } | { state: 'away' };

/** The result of a sign-in. `seconds` is the wait that the gateway asks for. */
export type SignIn =
  | { outcome: 'signed-in' }
  | { outcome: 'wrong' }
  | { outcome: 'too-many'; seconds: number }
  | { outcome: 'away' }
  | { outcome: 'refused'; status: number };

const TIMEOUT_MS = 15_000;
const DEFAULT_WAIT_S = 60;

/** The gateway's response; `undefined` when there is no response or its status is 5xx. */
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

/** The name of `GET /api/me`: the account's display name, else its user name. */
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

/** The name of the external provider and the address of its sign-in; `undefined` without one. */
export async function externalLogin(): Promise<{ name: string; url: string } | undefined> {
  const answer = await ask('/api/auth/methods', { headers: { accept: 'application/json' } });
  const external = answer?.ok ? valueAt(await answer.json().catch(() => undefined), 'external') : undefined;
  const [name, url] = [valueAt(external, 'name'), valueAt(external, 'url')];
  // Only an address of this service.
  if (typeof name !== 'string' || typeof url !== 'string' || !url.startsWith('/api/')) return undefined;
  return { name, url };
}

/** Seconds to wait by a Retry-After header (RFC 9110 §10.2.3: seconds or a date), at least one. */
export function secondsToWait(header: string | null, now: number): number {
  if (header === null) return DEFAULT_WAIT_S;
  const seconds = /^\d+$/.test(header) ? Number(header) : Math.ceil((Date.parse(header) - now) / 1000);
  return Number.isFinite(seconds) ? Math.max(1, seconds) : DEFAULT_WAIT_S;
}

/** Opens a session: the gateway sets its cookies, no token reaches the page. */
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
  // 400 and 422: the gateway cannot read such a name or password, so it is wrong.
  if (answer.status === 401 || answer.status === 400 || answer.status === 422) return { outcome: 'wrong' };
  return { outcome: 'refused', status: answer.status };
}

/** Ends the session. True when the gateway confirms that there is none. */
export async function signOut(cookies: string): Promise<boolean> {
  const token = /(?:^|;\s*)csrf_token=([^;]*)/.exec(cookies)?.[1] ?? '';
  const answer = await ask('/api/auth/logout', {
    method: 'POST',
    headers: { 'x-csrf-token': decodeURIComponent(token) },
  });
  return answer !== undefined && (answer.ok || answer.status === 401);
}
