// Saves objects of the viewer. If the gateway refuses an object, a dialog says why. The error is also passed to the viewer, so that the
// viewer keeps the unsaved drawings and does not list the object as a series.
import { accountLinks } from './account.js';
import { isEmbedded, onSignedIn, tellSessionEnded } from './portal.js';
import { isOpen, say } from './refusal.dialog.js';
import { askAgain, maySave, onRights } from './rights.js';

const STAYS = 'Your measurements and segmentations are still on the screen.';
const NOT_PERMITTED = 0x0124;

/**
 * Returns the Failure Reason (0008,1197) of an object that was not stored, from a Store Instances Response (PS3.18 §I.2). Returns
 * `undefined` if all objects were stored.
 */
const failureReason = (text) => {
  try {
    const response = typeof text === 'string' ? JSON.parse(text) : text;
    const failed = [...(response['00081198']?.Value ?? []), ...(response['0008119A']?.Value ?? [])];
    return failed.length === 0 ? undefined : (failed[0]['00081197']?.Value?.[0] ?? 0x0110);
  } catch {
    return undefined;
  }
};

const isForbidden = (status, reason) => status === 403 || reason === NOT_PERMITTED;

const messageOf = (status, reason) => {
  if (status === 401)
    return {
      title: 'Not saved: your session has ended',
      detail: isEmbedded
        ? `${STAYS} Sign in again and save again.`
        : `${STAYS} Sign in again in a new tab, come back to this tab and save again.`,
      signIn: !isEmbedded,
    };
  if (isForbidden(status, reason))
    return {
      title: 'Not saved: you may not add to this study',
      detail: `${STAYS} You can download them. To save here, ask an administrator for the right to annotate this study.`,
    };
  if (status === 0 || status >= 500)
    return {
      title: 'Not saved: the archive does not answer',
      detail: `${STAYS} Wait a moment and save again.`,
    };
  const code = reason === undefined ? `status ${status}` : `reason 0x${reason.toString(16).padStart(4, '0')}`;
  return {
    title: 'Not saved: the archive refused it',
    detail: `${STAYS} You can download them. Tell an administrator: ${code}.`,
  };
};

let saving = 0;
let sessionEnded = false;
/** The measurements at the time of the last successful save (see `drawnState`). */
let savedState = '';

const fail = (status, reason) => {
  if (status === 401) {
    sessionEnded = true;
    tellSessionEnded();
  }
  if (isForbidden(status, reason)) askAgain();
  const message = messageOf(status, reason);
  say(message);
  throw new Error(message.title);
};

/** Calls `send`, which stores objects. If an object is refused, shows the dialog and throws. */
const save = async (send) => {
  saving += 1;
  try {
    const answer = await send().catch((error) =>
      fail(error?.status ?? 0, failureReason(error?.response ?? '')),
    );
    const reason = failureReason(answer);
    if (reason !== undefined) fail(202, reason);
    sessionEnded = false;
    savedState = drawnState();
    return answer;
  } finally {
    saving -= 1;
  }
};

/** Returns the measurements and the segmentations on the screen. */
const drawn = () => {
  const { measurementService, segmentationService } = window.services ?? {};
  return {
    measurements: measurementService?.getMeasurements?.() ?? [],
    segmentations: segmentationService?.getSegmentations?.() ?? [],
  };
};

/** Whether leaving the page may lose something: an upload that is running, a measurement or a segmentation. */
const holdsWork = () => saving > 0 || Object.values(drawn()).some(({ length }) => length > 0);

/** Returns a text that changes with each change of a measurement, and with each new segmentation. */
const drawnState = () => {
  const { measurements, segmentations } = drawn();
  const changes = measurements.map(({ uid, modifiedTimestamp }) => `${uid} ${modifiedTimestamp}`);
  return [...changes, ...segmentations.map(({ segmentationId }) => segmentationId)].join('\n');
};

/** Whether something on the screen has changed since the last successful save. */
const isUnsaved = () => holdsWork() && (saving > 0 || drawnState() !== savedState);

/**
 * Returns true if the sign-in page must not be opened: the portal asks for the password, or unsaved work would be lost. In the second case,
 * also shows a message that the session has ended, but only once per session.
 */
const keepsWork = () => {
  if (isEmbedded) {
    sessionEnded = true;
    tellSessionEnded();
    return true;
  }
  if (!holdsWork()) return false;
  if (!sessionEnded && saving === 0)
    say({
      title: 'Your session has ended',
      detail: `${STAYS} Sign in again in a new tab and come back to this tab.`,
      signIn: true,
    });
  sessionEnded = true;
  return true;
};

/** Checks the session when the person returns to this tab, because the person may have signed in again. */
const lookAgain = async () => {
  if (document.visibilityState !== 'visible' || !sessionEnded) return;
  const answer = await fetch('/api/me', { cache: 'no-store' }).catch(() => undefined);
  if (!answer?.ok) return;
  sessionEnded = false;
  askAgain();
  if (isOpen()) say({ title: 'You are signed in again', detail: `${STAYS} You can save now.` });
};
document.addEventListener('visibilitychange', () => void lookAgain());

// OHIF does not repeat failed requests, and it leaves the study after some of them. If nothing would be lost, the viewer is loaded again.
const entry = window.location.href;
onSignedIn(() => {
  if (sessionEnded && !holdsWork()) window.location.replace(entry);
  else void lookAgain();
});

// The functions that app-config.js and the rewritten bundle (saving.rules.ts) call.
window.radgate = { accountLinks, maySave, onRights, askAgain, save, keepsWork, isUnsaved };
maySave();
