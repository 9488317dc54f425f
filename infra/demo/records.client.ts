import { openAsBlob } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { GatewayClient } from './gateway.client.ts';

const Login = z.object({ access_token: z.string() });
const Accepted = z.object({ file_id: z.uuid(), status: z.string() });
const Problem = z.object({ detail: z.string() });
const number = z.number();

/** An import as the gateway tells it. */
export const ImportState = z.looseObject({
  file_id: z.string(),
  status: z.string(),
  failure: z.string().nullable(),
  /** Told by gateways that are not older. */
  failure_details: z
    .object({ message: z.string(), suggestion: z.string(), columns: z.array(z.string()) })
    .nullish(),
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
const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 5_000;
/** A gateway that is started anew answers again within half a minute. */
const ATTEMPTS = 30;

/** An API key as it is, or the name and password for tokens, which expire before a long import ends. */
export type Credentials = { key: string } | { username: string; password: string };

/** Imports as one account sees them. */
export class RecordsClient {
  readonly #gateway: string;
  readonly #credentials: Credentials;
  #token: string | undefined;

  constructor(gateway: string, credentials: Credentials) {
    this.#gateway = gateway.replace(/\/+$/, '');
    this.#credentials = credentials;
  }

  /** Sends a list (a path, streamed from disk, or its bytes); answers the id of its import, an earlier one when it was sent before. */
  async upload(
    file: string | Uint8Array<ArrayBuffer>,
    query: Readonly<Record<string, string>>,
  ): Promise<{ id: string; isNew: boolean }> {
    const form = new FormData();
    // Its name stays here: people put names of patients there.
    form.set('file', typeof file === 'string' ? await openAsBlob(file) : new Blob([file]), 'list.csv');
    const answer = await fetch(`${this.#gateway}/api/imports?${new URLSearchParams(query).toString()}`, {
      method: 'POST',
      redirect: 'error',
      headers: { authorization: `Bearer ${await this.#signIn()}`, accept: 'application/json' },
      body: form,
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`the gateway answered ${answer.status}: ${detailOf(text)}`);
    return { id: Accepted.parse(JSON.parse(text)).file_id, isNew: answer.status === 202 };
  }

  /** Follows an import to its end; `tell` hears how far it is. Each question is a row of the audit: of a long one fewer are asked. */
  async follow(id: string, tell: (state: ImportState) => void): Promise<ImportState> {
    const began = Date.now();
    for (;;) {
      const state = await this.#state(id);
      tell(state);
      if (!MOVING.has(state.status)) return state;
      const pause = Math.max(FIRST_PAUSE_MS, (Date.now() - began) / 20);
      await sleep(Math.min(pause, LONGEST_PAUSE_MS));
    }
  }

  async #state(id: string): Promise<ImportState> {
    let refused = false;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const client = new GatewayClient(this.#gateway, await this.#signIn());
        const { body } = await client.json(`/api/imports/${id}`, ImportState, { accept: [401] });
        if (body !== undefined) return body;
        if (refused) throw new Error('the gateway does not let this account see the import');
        // The token expired, or its sign-in was ended; however long the gateway was away before.
        refused = true;
        this.#token = undefined;
      } catch (error) {
        // What fetch throws when nobody listens; the import goes on without us.
        if (!(error instanceof TypeError) || attempt === ATTEMPTS) throw error;
        await sleep(1000);
      }
    }
  }

  async #signIn(): Promise<string> {
    if ('key' in this.#credentials) return this.#credentials.key;
    if (this.#token !== undefined) return this.#token;
    const call = { method: 'POST', body: this.#credentials, accept: [401] } as const;
    const { body } = await new GatewayClient(this.#gateway).json('/api/auth/login', Login, call);
    if (body === undefined) throw new Error('the gateway does not let this account in');
    this.#token = body.access_token;
    return this.#token;
  }
}

/** What a problem says (RFC 9457); the beginning of what is none. */
function detailOf(text: string): string {
  try {
    return Problem.parse(JSON.parse(text)).detail;
  } catch {
    return text.slice(0, 300);
  }
}
