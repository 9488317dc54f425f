import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { Running } from '../../infra/local/launch.ts';
import { isCodeCached } from './gateway.bundle.ts';
import { multipartOf } from './stow.body.ts';

const PATIENCE_MS = 30_000;
const Token = z.object({ access_token: z.string() });

/** Requests of many kinds. Their answers do not matter, because this gateway has neither an archive nor a FHIR server. */
const PATHS = [
  '/.well-known/jwks.json',
  '/api/me',
  '/api/users?limit=1&sort=-username',
  '/api/groups',
  '/api/accounts',
  '/api/audit?limit=1',
  '/api/imports',
  '/api/openapi.json',
  '/dicom-web/studies?PatientName=a*&includefield=all',
  '/dicom-web/studies/1.2.3/series/1.2.4/metadata',
  '/dicom-web/studies/1.2.3/rendered',
  '/health/ready',
];

/**
 * Sends requests to a gateway that started without V8's code cache, so that V8 compiles the functions that requests need. Then lets the
 * gateway write the cache (gateway.runner.ts).
 */
export async function writeCodeCache(gateway: Running, url: string, adminPassword: string): Promise<void> {
  const json = { 'content-type': 'application/json' };
  const ask = async (path: string, init: RequestInit) => (await fetch(`${url}${path}`, init)).text();
  const credentials = JSON.stringify({ username: 'admin', password: adminPassword });
  const signIn = await ask('/api/auth/login', { method: 'POST', headers: json, body: credentials });
  const authorization = `Bearer ${Token.parse(JSON.parse(signIn)).access_token}`;
  for (const path of PATHS) await ask(path, { headers: { authorization } });
  const { type, body } = multipartOf([makeInstance({})]);
  const stow = { authorization, 'content-type': type };
  await ask('/dicom-web/studies', { method: 'POST', headers: stow, body: new Uint8Array(body) });
  const group = JSON.stringify({ name: 'of the code cache' });
  await ask('/api/groups', { method: 'POST', headers: { ...json, authorization }, body: group });
  process.kill(gateway.pid, 'SIGUSR2');
  for (const end = Date.now() + PATIENCE_MS; !isCodeCached(); await sleep(50))
    if (Date.now() > end) throw new Error('The gateway has not written the code cache.');
}
