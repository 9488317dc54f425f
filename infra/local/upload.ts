import { openAsBlob } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import type { Credentials } from '../demo/records.client.ts';
import { parseArguments } from './arguments.ts';
import { findGateway } from './gateway.access.ts';
import { saying } from './steps.ts';

const HELP = `npm run upload -- FOLDER|FILE… [options]

Sends files to the gateway (POST /api/uploads), one after the other: DICOM files, JPEG and PNG pictures, PDF documents. Each file of a folder
is sent, also in the folders below. The gateway stores a file once, so an interrupted command can be repeated.

  --patient ID              the Patient ID of pictures and documents
  --issuer NAME             the issuer of the Patient ID (default: of the account, or of the gateway)
  --study UID               the existing study of pictures and documents
  --description TEXT        the description of a new study
  --date YYYY-MM-DD         the date of a new study (default: today)
  --modality CODE           the modality (default: XC for pictures, DOC for documents)
  --body-part CODE          the body part
  --data DIR                the data folder of the local stack (default .local)
  --help                    this text

For another gateway, set RADGATE_URL, and RADGATE_KEY (an API key) or RADGATE_USERNAME and RADGATE_PASSWORD. The account needs the right
studies:store. Exit status: 0 all files are stored; 1 some files are refused or in quarantine; 2 the files could not be sent.
`;

const TRIES = 5;
const PAUSE_MS = 2_000;
const Token = z.object({ access_token: z.string() });
const Answer = z.looseObject({
  status: z.union([z.string(), z.number()]).optional(),
  detail: z.string().optional(),
  reason: z.string().nullish(),
});

async function main(): Promise<number> {
  const { values, positionals } = parseArguments({
    allowPositionals: true,
    options: {
      patient: { type: 'string' },
      issuer: { type: 'string' },
      study: { type: 'string' },
      description: { type: 'string' },
      date: { type: 'string' },
      modality: { type: 'string' },
      'body-part': { type: 'string' },
      data: { type: 'string', default: '.local' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (positionals.length === 0) {
    process.stderr.write(HELP);
    return 2;
  }
  const target = Object.entries({
    patient_id: values.patient,
    issuer: values.issuer,
    study_uid: values.study,
    study_description: values.description,
    study_date: values.date,
    modality: values.modality,
    body_part: values['body-part'],
  });
  const query = new URLSearchParams();
  for (const [name, value] of target) if (value !== undefined) query.set(name, value);
  const files = (await Promise.all(positionals.map(filesOf))).flat();
  const { gateway, credentials } = await findGateway(values.data);
  const url = `${gateway.replace(/\/+$/, '')}/api/uploads?${query.toString()}`;
  let stored = 0;
  for (const [at, file] of files.entries()) {
    const { isStored, text } = await send(gateway, credentials, url, file);
    if (isStored) stored += 1;
    console.log(`${at + 1}/${files.length} ${basename(file)}: ${text}`);
  }
  console.log(`${stored} of ${files.length} files are stored.`);
  return stored === files.length ? 0 : 1;
}

/** The file, or all files in the folder and below. */
async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new Error(`${path} is missing`);
  if (!found.isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

/** Sends a file. Waits and tries again if the gateway is busy or restarts. */
async function send(gateway: string, credentials: Credentials, url: string, file: string) {
  for (let tries = 1; ; tries += 1) {
    const answer = await sendOnce(gateway, credentials, url, file).catch((error: unknown) => {
      if (tries === TRIES) throw error;
    });
    const isBusy = answer === undefined || answer.status === 429 || answer.status >= 502;
    if (!isBusy || tries === TRIES) {
      if (answer === undefined) throw new Error('The gateway does not answer.');
      return outcomeOf(answer.status, Answer.parse(await answer.json()));
    }
    await answer?.body?.cancel();
    await sleep(PAUSE_MS);
  }
}

async function sendOnce(
  gateway: string,
  credentials: Credentials,
  url: string,
  file: string,
): Promise<Response> {
  const key = 'key' in credentials ? credentials.key : await signIn(gateway, credentials);
  return fetch(url, {
    method: 'POST',
    redirect: 'error',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/octet-stream',
      'x-file-name': encodeURIComponent(basename(file)),
    },
    body: await openAsBlob(file),
  });
}

/** The token of the account. It is requested again before it expires. */
const session = { token: '', until: 0 };

async function signIn(gateway: string, credentials: object): Promise<string> {
  if (Date.now() < session.until) return session.token;
  const answer = await fetch(`${gateway.replace(/\/+$/, '')}/api/auth/login`, {
    method: 'POST',
    redirect: 'error',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(credentials),
  });
  if (!answer.ok) throw new Error('The sign-in was refused.');
  session.token = Token.parse(await answer.json()).access_token;
  session.until = Date.now() + 10 * 60_000;
  return session.token;
}

function outcomeOf(status: number, answer: z.infer<typeof Answer>) {
  if (status === 201) return { isStored: true, text: 'stored' };
  if (status === 200) return { isStored: true, text: 'stored before' };
  if (status === 202) return { isStored: false, text: `in quarantine. ${answer.reason ?? ''}` };
  return { isStored: false, text: `refused. ${answer.detail ?? `The gateway answered ${status}.`}` };
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`Not uploaded. ${saying(error)}`);
  process.exitCode = 2;
}
