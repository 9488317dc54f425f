type Listener = () => void;

/** What the pages know about the session. `ended` is true after a 401. `usedAt` is the time of the last request, in ms. */
export interface SessionState {
  readonly ended: boolean;
  readonly usedAt: number;
}

let state: SessionState = { ended: false, usedAt: Date.now() };
const listeners = new Set<Listener>();
// Every request extends the session, also a request of another tab.
const SHARED = 'radgate-session';
window.addEventListener('storage', ({ key, newValue }) => {
  if (key !== SHARED) return;
  if (newValue === 'ended') change({ ...state, ended: true });
  else change({ ended: false, usedAt: Date.now() });
});

function change(next: SessionState): void {
  const isSame = next.ended === state.ended && next.usedAt - state.usedAt < 1000;
  if (isSame) return;
  state = next;
  for (const listener of listeners) listener();
}

/** Notes that the gateway accepted a request of this session. */
export function sessionUsed(): void {
  const isNew = state.ended || Date.now() - state.usedAt > 1000;
  change({ ended: false, usedAt: Date.now() });
  if (isNew) localStorage.setItem(SHARED, String(Date.now()));
}

/** Notes that the gateway does not accept this session any more. */
export function sessionEnded(): void {
  change({ ...state, ended: true });
}

/** Tells the other tabs that the person signed out. */
export function tellSignedOut(): void {
  localStorage.setItem(SHARED, 'ended');
}

export function sessionState(): SessionState {
  return state;
}

/** Calls `listener` after each change. Returns a function that ends this. */
export function onSessionChange(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
