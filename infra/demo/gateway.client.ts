import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';

/** A request to the gateway's API. */
export interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: unknown;
  /** Statuses other than 2xx that do not cause an error. */
  accept?: readonly number[];
}

const ATTEMPTS = 6;
const CALL_TIMEOUT_MS = 120_000;

/** A client of the gateway for one account. If a status is unexpected, throws an error that contains method, path and status. */
export class GatewayClient {
  readonly #base: string;
  readonly #authorization: string | undefined;

  constructor(base: string, token?: string) {
    this.#base = base.replace(/\/$/, '');
    this.#authorization = token === undefined ? undefined : `Bearer ${token}`;
  }

  /** Sends one JSON request. `shape` validates the parsed body. */
  async json<T>(
    path: string,
    shape: z.ZodType<T>,
    call: Call = {},
  ): Promise<{ status: number; body: T | undefined }> {
    const { body, ...rest } = call;
    const sent = body === undefined ? {} : { body: JSON.stringify(body), type: 'application/json' };
    const answer = await this.send(path, { ...rest, ...sent });
    const text = await answer.text();
    if (!answer.ok || text === '') return { status: answer.status, body: undefined };
    return { status: answer.status, body: shape.parse(JSON.parse(text)) };
  }

  /** Sends one request with a binary body. After 429 and 503, waits for the time in Retry-After and retries. */
  async send(
    path: string,
    call: {
      method?: string;
      accept?: readonly number[];
      body?: string | Uint8Array<ArrayBuffer>;
      type?: string;
    },
  ): Promise<Response> {
    const method = call.method ?? 'GET';
    for (let attempt = 1; ; attempt += 1) {
      const answer = await fetch(`${this.#base}${path}`, {
        method,
        redirect: 'error',
        headers: this.#headers(call.type),
        signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
        ...(call.body === undefined ? {} : { body: call.body }),
      });
      if (answer.ok || (call.accept ?? []).includes(answer.status)) return answer;
      const detail = (await answer.text()).slice(0, 300);
      const busy = answer.status === 503 || answer.status === 429;
      if (!busy || attempt === ATTEMPTS)
        throw new Error(`${method} ${path} answered ${answer.status}: ${detail}`);
      await sleep(Math.min(Number(answer.headers.get('retry-after') ?? 1) || 1, 10) * 1000);
    }
  }

  #headers(type: string | undefined): Headers {
    const headers = new Headers({ accept: 'application/json' });
    if (this.#authorization !== undefined) headers.set('authorization', this.#authorization);
    if (type !== undefined) headers.set('content-type', type);
    return headers;
  }
}
