import { problemOf } from '../client/problems.ts';
import { onSessionChange, sessionEnded, sessionState, sessionUsed } from '../client/session.state.ts';
import { secondsToWait } from '../session.client.ts';
import { readBeginning } from './part10.ts';
import { readStoreResponse } from './store.response.ts';
import type { BatchAnswer, UploadTransport } from './upload.types.ts';

const JSON_TYPE = 'application/dicom+json';
/** The statuses of a Store Instances Response (PS3.18 §10.5.3.1). */
const ANSWERED = new Set([200, 202, 409]);

/** Sends batches by STOW-RS, and asks by QIDO-RS which instances the archive has. */
export const browserTransport: UploadTransport = {
  read: readBeginning,

  async known(sopUids, signal) {
    if (sopUids.length === 0) return new Set();
    const query = new URLSearchParams({ SOPInstanceUID: sopUids.join(','), limit: String(sopUids.length) });
    const answer = await fetch(`/dicom-web/instances?${query.toString()}`, {
      headers: { accept: JSON_TYPE },
      cache: 'no-store',
      signal,
    }).catch(() => undefined);
    // An account without the right to read sends everything. The gateway stores the same instance once.
    if (answer?.status === 403 || answer?.status === 204) return new Set();
    // The STOW request meets the same obstacle, and its answer says how to go on.
    if (answer?.status === 401) return new Set();
    if (answer?.ok !== true) return undefined;
    sessionUsed();
    const found: unknown = await answer.json().catch(() => undefined);
    return Array.isArray(found) ? new Set(found.map(sopUidOf)) : undefined;
  },

  async send(blobs, sopUids, signal, progress) {
    const boundary = `radgate-${crypto.randomUUID()}`;
    const head = `--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`;
    const parts = blobs.flatMap((blob, index) => [index === 0 ? head : `\r\n${head}`, blob]);
    // The body has the handles of the files. The browser reads them while it sends.
    const body = new Blob([...parts, `\r\n--${boundary}--\r\n`]);
    const type = `multipart/related; type="application/dicom"; boundary=${boundary}`;
    return await answerOf(await post(body, type, signal, progress), sopUids, signal);
  },

  wait: (seconds, signal) =>
    new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        window.removeEventListener('online', end);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, seconds * 1000);
      window.addEventListener('online', end);
      signal.addEventListener('abort', end);
      if (signal.aborted) end();
    }),

  signedIn: (signal) =>
    new Promise((resolve) => {
      const look = () => {
        if (sessionState().ended && !signal.aborted) return;
        stop();
        signal.removeEventListener('abort', look);
        resolve();
      };
      const stop = onSessionChange(look);
      signal.addEventListener('abort', look);
      look();
    }),
};

/** Sends a body. Unlike `fetch`, this reports how many bytes were sent. Returns `undefined` without an answer. */
function post(
  body: Blob,
  type: string,
  signal: AbortSignal,
  progress: (bytes: number) => void,
): Promise<XMLHttpRequest | undefined> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open('POST', '/dicom-web/studies');
    request.setRequestHeader('content-type', type);
    request.setRequestHeader('accept', JSON_TYPE);
    request.upload.addEventListener('progress', ({ loaded }) => progress(loaded));
    request.addEventListener('load', () => resolve(request));
    for (const end of ['error', 'abort', 'timeout'] as const)
      request.addEventListener(end, () => resolve(undefined));
    signal.addEventListener('abort', () => request.abort(), { once: true });
    if (signal.aborted) resolve(undefined);
    else request.send(body);
  });
}

async function answerOf(
  request: XMLHttpRequest | undefined,
  sopUids: readonly string[],
  signal: AbortSignal,
): Promise<BatchAnswer> {
  if (request === undefined)
    return signal.aborted ? { kind: 'aborted' } : { kind: 'later', seconds: undefined };
  const { status, responseText } = request;
  if (status === 401) {
    sessionEnded();
    return { kind: 'signed-out' };
  }
  sessionUsed();
  if (ANSWERED.has(status)) {
    const response = parsed(responseText);
    if (response !== undefined) return { kind: 'answered', results: readStoreResponse(response, sopUids) };
  }
  if (status === 429 || status >= 500 || ANSWERED.has(status)) {
    const header = request.getResponseHeader('retry-after');
    return { kind: 'later', seconds: header === null ? undefined : secondsToWait(header, Date.now()) };
  }
  const { detail } = await problemOf(new Response(responseText, { status }));
  return { kind: 'refused', comment: detail };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function sopUidOf(instance: unknown): string {
  const text = JSON.stringify(instance);
  return /"00080018":\{[^}]*"Value":\["([0-9.]+)"/.exec(text)?.[1] ?? '';
}
