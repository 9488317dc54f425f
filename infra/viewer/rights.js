// The rights of this account on the open studies, as the gateway reports them. The viewer's components call `maySave`. The components call
// `maySave` again after `onRights` has notified them of a response. Before the first response, `maySave` returns false.
const RETRY_MS = 5_000;
const SAVING = ['studies:annotate', 'studies:store'];
/** Maps a study UID to whether this account may save into the study. The value is `undefined` during the request. */
const known = new Map();
const listeners = new Set();
const notify = () => listeners.forEach((listener) => listener());

/** Returns the studies that the URL names. The viewer ignores the case of the parameter's name, and so does this function. */
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
  // After a 401 the request is not repeated here. It is repeated when the person returns to the tab after the sign-in.
  if (known.get(uid) !== undefined || status === 401) return;
  setTimeout(() => {
    known.delete(uid);
    notify();
  }, RETRY_MS);
};

/**
 * Whether this account may save into every open study. Sends a request for each study whose rights are unknown, and returns false until the
 * response arrives.
 */
export const maySave = () => {
  const studies = openStudies();
  for (const uid of studies) if (!known.has(uid)) void ask(uid);
  return studies.length > 0 && studies.every((uid) => known.get(uid) === true);
};

/** Calls `listener` whenever the known rights have changed. Returns a function that removes the listener. */
export const onRights = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** Discards the stored responses about rights. The next call of `maySave` sends new requests to the gateway. */
export const askAgain = () => {
  known.clear();
  notify();
};
