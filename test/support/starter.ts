import { createServer } from 'node:http';
import { reserveAnyPort } from '../../infra/local/port.ts';

/** A service that has started. `answer` is what its users need to know, for example its URL. */
export type Started = { answer: string; stop: () => Promise<unknown> };

/** Starts a service when the first test file asks for it. */
export type Starter = {
  url: string;
  /** Starts the service, or returns the answer of the service that has started. */
  ask: () => Promise<string>;
  stop: () => Promise<void>;
};

/**
 * Listens for test files that need a service. The service is slow to start, and must outlive the worker that asks for it first. Therefore
 * the main process starts the service at the first GET. The response contains the answer of the service.
 */
export async function openStarter(start: () => Promise<Started>): Promise<Starter> {
  let started: Promise<Started> | undefined;
  const ask = async () => (await (started ??= start())).answer;
  const server = createServer((_request, response) => {
    ask().then(
      (answer) => response.end(answer),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  const port = await reserveAnyPort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${port}/`,
    ask,
    stop: async () => {
      server.close();
      await started?.then((service) => service.stop()).catch(() => undefined);
    },
  };
}

/** The answer of the service that this starter starts. */
export async function answerOf(starterUrl: string): Promise<string> {
  const response = await fetch(starterUrl);
  const answer = await response.text();
  if (!response.ok) throw new Error(`The service could not be started: ${answer}`);
  return answer;
}
