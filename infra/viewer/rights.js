// What this account may do with the studies that are open, as the gateway says. The viewer's components ask `maySave`, and again when
// `onRights` tells of an answer. While nothing is known nothing is offered.
const RETRY_MS = 5_000;
const SAVING = ['studies:annotate', 'studies:store'];
/** Study UID → whether this account may save into it; `undefined` while it is asked. */
const known = new Map();
const listeners = new Set();
const notify = () => listeners.forEach((listener) => listener());

/** The studies that the address opens; the viewer reads the name of the parameter in any case. */
const openStudies = () =>
  [...new URLSearchParams(window.location.search)]
    .filter(([name]) => name.toLowerCase() === 'studyinstanceuids')
    .flatMap(([, value]) => value.split(','))
    .filter((uid) => uid !== '');

const ask = async (uid) => {
  known.set(uid, undefined);
  let status = 0;
  try {
    const path = `/api/me/studies/${encodeURIComponent(uid)}`;
    const answer = await fetch(path, { cache: 'no-store', headers: { accept: 'application/json' } });
    status = answer.status;
    const { rights } = answer.ok ? await answer.json() : { rights: [] };
    if (answer.ok)
      known.set(
        uid,
        SAVING.some((right) => rights.includes(right)),
      );
  } catch {
    status = 0;
  }
  if (status === 403 || status === 404) known.set(uid, false);
  notify();
  // An ended session is asked about when somebody comes back from signing in.
  if (known.get(uid) !== undefined || status === 401) return;
  setTimeout(() => {
    known.delete(uid);
    notify();
  }, RETRY_MS);
};

/** Whether this account may save into every study that is open. Asks what is not known yet, and says no until then. */
export const maySave = () => {
  const studies = openStudies();
  for (const uid of studies) if (!known.has(uid)) void ask(uid);
  return studies.length > 0 && studies.every((uid) => known.get(uid) === true);
};

/** Calls `listener` whenever what is known has changed; returns what ends that. */
export const onRights = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** Forgets every answer: the next question goes to the gateway. */
export const askAgain = () => {
  known.clear();
  notify();
};
