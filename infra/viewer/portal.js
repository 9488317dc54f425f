// The messages between the viewer and the page of the portal that shows it in a frame (portal/viewer). Without this page, the viewer runs
// alone in its tab.
const portal = window.parent === window ? undefined : window.parent;
const USED_MS = 30_000;

/** Whether a page of the portal shows the viewer in a frame. This page asks for the password itself when the session has ended. */
export const isEmbedded = portal !== undefined;

const tell = (event) => portal?.postMessage({ radgate: event }, window.location.origin);

/** Tells the portal that the gateway does not accept the session any more. */
export const tellSessionEnded = () => tell('session-ended');

/** Calls `listener` after the person has signed in again in the portal. */
export const onSignedIn = (listener) =>
  window.addEventListener('message', ({ origin, source, data }) => {
    if (origin === window.location.origin && source === portal && data?.radgate === 'signed-in') listener();
  });

const isAccepted = ({ name, responseStatus }) =>
  /\/(dicom-web|api)\//.test(name) && responseStatus >= 200 && responseStatus < 400;

// Each accepted request extends the session. The portal warns before its end, so it must know about the requests of the viewer.
if (isEmbedded) {
  let told = 0;
  new PerformanceObserver((list) => {
    if (Date.now() - told < USED_MS || !list.getEntries().some(isAccepted)) return;
    told = Date.now();
    tell('session-used');
  }).observe({ type: 'resource' });
}
