import { createWriteStream, openAsBlob } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { GatewayClient } from './gateway.client.ts';

const Login = z.object({ access_token: z.string() });
const Accepted = z.object({ file_id: z.uuid(), status: z.string() });
const Problem = z.object({ detail: z.string(), field: z.string().optional() });
const number = z.number();

/** The state of an import in a response of the gateway. */
export const ImportState = z.looseObject({
  file_id: z.string(),
  status: z.string(),
  failure: z.string().nullable(),
  /** Earlier versions of the gateway do not send this member. */
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

const Outcome = z.object({
  issue: z.array(
    z.object({
      severity: z.string(),
      details: z.object({ coding: z.array(z.object({ code: z.string() })), text: z.string() }).optional(),
      diagnostics: z.string().optional(),
      expression: z.array(z.string()).default([]),
    }),
  ),
});
/** A finding of an import. `place` names the row and the column. */
export interface Finding {
  readonly place: string;
  readonly severity: string;
  readonly code: string;
  readonly message: string;
  readonly suggestion: string;
}

const WaitingTerm = z.object({ id: z.string(), word: z.string(), column: z.string(), rows_waiting: number });
export type WaitingTerm = z.infer<typeof WaitingTerm>;
const Coding = z.looseObject({ code: z.string().optional(), display: z.string().optional() });
const Suggestion = z.object({
  target: z.discriminatedUnion('kind', [
    z.looseObject({ kind: z.literal('condition'), coding: Coding }),
    z.looseObject({ kind: z.literal('observation'), value: z.array(Coding) }),
  ]),
});
const ReviewSide = z.object({
  reference: z.string().optional(),
  row: number.optional(),
  identifiers: z.array(z.object({ system: z.string(), value: z.string() })),
  names: z.array(z.string()),
  birth_date: z.string().optional(),
  gender: z.string().optional(),
});
/** One of the two patients of a review. It contains patient data. */
export type ReviewSide = z.infer<typeof ReviewSide>;
const WaitingReview = z.object({
  id: z.string(),
  differences: z.array(z.string()),
  sides: z.object({ row: ReviewSide, other: ReviewSide }).nullable(),
  rows: z.array(z.object({ import_id: z.string() })),
  rows_waiting: number,
});
/** A row whose identifier belongs to a patient with other facts. */
export type WaitingReview = z.infer<typeof WaitingReview>;
const MOST_WORDS = 1000;

const MOVING = new Set(['inspecting', 'queued', 'running']);
const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 5_000;
/** The number of attempts, one per second. A restarted gateway answers again within half a minute. */
const ATTEMPTS = 30;

/** An API key, or a name and a password. With a password, the client can get a new token when the old one expires during a long import. */
export type Credentials = { key: string } | { username: string; password: string };

/** A client for the imports of one account. */
export class RecordsClient {
  readonly #gateway: string;
  readonly #credentials: Credentials;
  #token: string | undefined;

  constructor(gateway: string, credentials: Credentials) {
    this.#gateway = gateway.replace(/\/+$/, '');
    this.#credentials = credentials;
  }

  /**
   * Uploads a list. `file` is the path or the bytes of the list. If it is a path, the file is streamed from disk. Returns the id of the
   * import. If the same list was imported before, this is the id of the earlier import.
   */
  async upload(
    file: string | Uint8Array<ArrayBuffer>,
    query: Readonly<Record<string, string>>,
  ): Promise<{ id: string; isNew: boolean }> {
    const form = new FormData();
    // The file name is not sent, because it can contain the name of a patient.
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

  /**
   * Waits until an import has ended, and reports its progress to `tell`. Each poll writes an audit row, so the pauses between polls grow
   * during a long import.
   */
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

  /** Waits until an undo of an import has ended. */
  async followUndo(id: string): Promise<ImportState> {
    for (;;) {
      const state = await this.#state(id);
      if (state['undoing'] !== true && state.status === 'undone') return state;
      await sleep(FIRST_PAUSE_MS);
    }
  }

  /** Sends a command about an import: `commit`, `undo`, `cancel`, `retry` or `mapping`. */
  async command(id: string, name: string, body: object = {}): Promise<void> {
    const client = new GatewayClient(this.#gateway, await this.#signIn());
    const answer = await client.send(`/api/imports/${id}/${name}`, {
      method: 'POST',
      type: 'application/json',
      body: JSON.stringify(body),
      accept: [409, 422],
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(detailOf(text, true));
  }

  /** The proposed mapping of an import that waits for a mapping. */
  proposal<T>(id: string, shape: z.ZodType<T>): Promise<T> {
    return this.#read(`/api/imports/${id}/proposal`, shape);
  }

  /** The findings of an import, at most 1,000. */
  async findings(id: string): Promise<Finding[]> {
    const { issue } = await this.#read(`/api/imports/${id}/outcome`, Outcome);
    return issue.flatMap(({ severity, details, diagnostics = '', expression }) =>
      details === undefined
        ? []
        : [
            {
              place: expression.join(', '),
              severity,
              code: details.coding[0]?.code ?? '',
              message: details.text,
              suggestion: diagnostics,
            },
          ],
    );
  }

  /** Writes the rejected and waiting rows of an import (`errors.csv`) to a file. */
  async saveErrors(id: string, path: string): Promise<void> {
    const client = new GatewayClient(this.#gateway, await this.#signIn());
    const { body } = await client.send(`/api/imports/${id}/errors.csv`, {});
    if (body === null) throw new Error('the gateway sent no errors.csv');
    // The file contains patient data, so only its owner may read it.
    await pipeline(body, createWriteStream(path, { mode: 0o600 }));
  }

  /** The words that rows of an import wait for. */
  async waitingTerms(importId: string): Promise<WaitingTerm[]> {
    const path = `/api/terms?import=${importId}&limit=${MOST_WORDS}`;
    return (await this.#read(path, z.object({ items: z.array(WaitingTerm) }))).items;
  }

  async suggestions(term: string): Promise<z.infer<typeof Suggestion>[]> {
    const path = `/api/terms/${term}/suggestions`;
    return (await this.#read(path, z.object({ items: z.array(Suggestion) }))).items;
  }

  /**
   * Decides a word, or ignores it. `said` is empty for a decision that was taken. Otherwise it is the answer of the gateway, and
   * `isConfirmable` says whether a confirmed decision would be taken.
   */
  async decide(
    term: string,
    target: object | 'ignore',
    confirm = false,
  ): Promise<{ said: string; isConfirmable: boolean }> {
    const client = new GatewayClient(this.#gateway, await this.#signIn());
    const [name, body] = target === 'ignore' ? ['ignore', { confirm }] : ['decide', { ...target, confirm }];
    const answer = await client.send(`/api/terms/${term}/${name}`, {
      method: 'POST',
      type: 'application/json',
      body: JSON.stringify(body),
      accept: [409, 422],
    });
    const text = await answer.text();
    return { said: answer.ok ? '' : detailOf(text), isConfirmable: answer.status === 409 };
  }

  /** The reviews that rows of an import wait for. */
  async waitingReviews(importId: string): Promise<WaitingReview[]> {
    const path = `/api/imports/reviews?state=open&import=${importId}&limit=${MOST_WORDS}`;
    return (await this.#read(path, z.object({ items: z.array(WaitingReview) }))).items;
  }

  /** Decides a review. The result is empty, or the answer of the gateway if the decision was not taken. */
  async decideReview(review: string, decision: 'same' | 'new' | 'reject'): Promise<string> {
    const client = new GatewayClient(this.#gateway, await this.#signIn());
    const answer = await client.send(`/api/imports/reviews/${review}/decide`, {
      method: 'POST',
      type: 'application/json',
      body: JSON.stringify({ decision }),
      accept: [409, 422],
    });
    const text = await answer.text();
    return answer.ok ? '' : detailOf(text);
  }

  async #state(id: string): Promise<ImportState> {
    return this.#read(`/api/imports/${id}`, ImportState);
  }

  async #read<T>(path: string, shape: z.ZodType<T>): Promise<T> {
    let refused = false;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const client = new GatewayClient(this.#gateway, await this.#signIn());
        const { body } = await client.json(path, shape, { accept: [401] });
        if (body !== undefined) return body;
        if (refused) throw new Error('the gateway does not let this account see the import');
        // The token has expired, or its session was ended.
        refused = true;
        this.#token = undefined;
      } catch (error) {
        // `fetch` throws a TypeError if the gateway does not accept connections. The import continues after the gateway has restarted.
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

/** Returns the detail of a problem (RFC 9457). For any other body, returns its first characters. */
function detailOf(text: string, withField = false): string {
  try {
    const { detail, field } = Problem.parse(JSON.parse(text));
    return withField && field !== undefined ? `${field}: ${detail}` : detail;
  } catch {
    return text.slice(0, 300);
  }
}
