import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { inject } from 'vitest';
import { z } from 'zod';
import { reserveAnyPort } from '../../infra/local/port.ts';
import { answerOf } from './starter.ts';

/**
 * The real HAPI FHIR server of the test run. The first call starts HAPI, which takes 12 to 130 s. All test files share the content of HAPI.
 */
export async function testHapi(): Promise<TestHapi> {
  return new TestHapi(await answerOf(inject('hapiStarter')));
}

const Page = z.object({
  total: z.number().optional(),
  entry: z.array(z.object({ resource: z.looseObject({}) })).default([]),
});

/** Direct access to HAPI, without the gateway. */
export class TestHapi {
  constructor(readonly url: string) {}

  /** The first 500 results of a search. HAPI does not use its cache for this search. */
  async search(query: string): Promise<Record<string, unknown>[]> {
    const mark = query.includes('?') ? '&' : '?';
    const page = Page.parse(await this.json(`/${query}${mark}_count=500`));
    return page.entry.map((entry) => entry.resource);
  }

  /** The number of results of a search. */
  async count(query: string): Promise<number> {
    const mark = query.includes('?') ? '&' : '?';
    return Page.parse(await this.json(`/${query}${mark}_summary=count`)).total ?? -1;
  }

  async json(path: string, init: { method?: string; body?: unknown } = {}): Promise<unknown> {
    const answer = await fetch(`${this.url}${path}`, {
      method: init.method ?? 'GET',
      headers: { 'cache-control': 'no-cache', 'content-type': 'application/fhir+json' },
      ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path.split('?')[0]} answered ${answer.status}: ${text.slice(0, 500)}`);
    return JSON.parse(text);
  }
}

/** What the proxy does with a request: forward it, answer 503 or 401, forward it but lose the response, or refuse the connection. */
export type Fate = 'pass' | 'busy' | 'denied' | 'lost' | 'reset';
export type FaultyProxy = {
  url: string;
  /** Every received request, by method and path without its query. */
  readonly seen: string[];
  close: () => Promise<void>;
};

/** The response of a server that rejects a transaction. `body` is an OperationOutcome, or the page of a proxy. */
export type Rejection = { status: number; body: unknown };
/** Decides about a transaction. Undefined means that HAPI gets the transaction. */
export type Judge = (transaction: unknown) => Promise<Rejection | undefined> | Rejection | undefined;

/**
 * A local proxy in front of the real HAPI. It simulates faults that HAPI cannot produce. `fate` chooses the fault of each request, and
 * `judge` rejects transactions.
 */
export async function startFaultyProxy(
  target: string,
  fate: (method: string, path: string, count: number) => Fate,
  judge?: Judge,
): Promise<FaultyProxy> {
  const seen: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const path = (incoming.url ?? '').split('?')[0] ?? '';
    seen.push(`${incoming.method} ${path}`);
    const what = fate(incoming.method ?? 'GET', path, seen.length);
    if (what === 'reset') return void incoming.socket.destroy();
    if (what === 'busy') return void outgoing.writeHead(503, { 'retry-after': '1' }).end();
    if (what === 'denied') return void outgoing.writeHead(401).end();
    const isTransaction = incoming.method === 'POST' && path === `${new URL(target).pathname}/`;
    if (judge === undefined || !isTransaction) return pass(target, incoming, outgoing, what === 'lost');
    void judged(judge, target, incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  const port = await reserveAnyPort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${port}${new URL(target).pathname}`,
    seen,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function judged(
  judge: Judge,
  target: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const body = await text(incoming);
  const rejection = await judge(JSON.parse(body));
  if (rejection === undefined) return pass(target, incoming, outgoing, false, body);
  const isPage = typeof rejection.body === 'string';
  outgoing.writeHead(rejection.status, { 'content-type': isPage ? 'text/html' : 'application/fhir+json' });
  outgoing.end(isPage ? rejection.body : JSON.stringify(rejection.body));
}

function pass(
  target: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  lose: boolean,
  body?: string,
): void {
  const { hostname, port } = new URL(target);
  const onward = ask(
    { hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers },
    (answer) => {
      if (lose) {
        answer.resume();
        answer.once('end', () => incoming.socket.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  onward.once('error', () => incoming.socket.destroy());
  if (body === undefined) incoming.pipe(onward);
  else onward.end(body);
}
