import { openAsBlob } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import type { GatewayClient } from './gateway.client.ts';

const Accepted = z.object({ file_id: z.uuid(), status: z.string() });
const number = z.number();

/** An import as the gateway tells it. */
export const ImportState = z.looseObject({
  file_id: z.string(),
  status: z.string(),
  failure: z.string().nullable(),
  rows_total: number,
  rows_done: number,
  percent: number,
  created: number,
  updated: number,
  unchanged: number,
  rejected: number,
  waiting: number,
  duplicate: number,
  reasons: z.record(z.string(), number),
});
export type ImportState = z.infer<typeof ImportState>;

const MOVING = new Set(['inspecting', 'queued', 'running']);
const PAUSE_MS = 400;

/** Where and as whom a list is sent. */
export interface Sender {
  gateway: string;
  token: string;
}

/** Sends a list (a path, streamed from disk, or its bytes); answers the id of its import, an earlier one when it was sent before. */
export async function uploadList(
  { gateway, token }: Sender,
  file: string | Uint8Array<ArrayBuffer>,
  query: Readonly<Record<string, string>>,
): Promise<{ id: string; isNew: boolean }> {
  const form = new FormData();
  // Its name stays here: people put names of patients there.
  form.set('file', typeof file === 'string' ? await openAsBlob(file) : new Blob([file]), 'list.csv');
  const answer = await fetch(`${gateway}/api/imports?${new URLSearchParams(query).toString()}`, {
    method: 'POST',
    redirect: 'error',
    headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
    body: form,
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`the gateway answered ${answer.status}: ${text.slice(0, 300)}`);
  return { id: Accepted.parse(JSON.parse(text)).file_id, isNew: answer.status === 202 };
}

/** Follows an import to its end; `tell` hears how far it is. */
export async function followImport(
  client: GatewayClient,
  id: string,
  tell: (state: ImportState) => void,
): Promise<ImportState> {
  for (;;) {
    const { body } = await client.json(`/api/imports/${id}`, ImportState);
    if (body === undefined) throw new Error('the gateway does not tell how far the import is');
    tell(body);
    if (!MOVING.has(body.status)) return body;
    await sleep(PAUSE_MS);
  }
}
