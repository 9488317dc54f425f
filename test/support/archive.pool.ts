import { createServer } from 'node:http';
import { z } from 'zod';
import { reserveAnyPort } from '../../infra/local/port.ts';
import type { Prefix } from '../../infra/local/prefix.ts';
import { type OwnOrthanc, startOwnOrthanc, type TestOrthanc } from './archives.ts';

/** The Orthancs that the test files share. A POST to `url` borrows an Orthanc. A DELETE of `url/<number>` returns it. */
export interface ArchivePool {
  readonly url: string;
  stop: () => Promise<void>;
}

const Lent = z.object({
  number: z.number(),
  url: z.string(),
  username: z.string(),
  password: z.string(),
  dicomPort: z.number(),
  aet: z.string(),
  pid: z.number(),
});
const Statistics = z.object({ CountInstances: z.number() });

/**
 * Lends Orthancs to test files. An Orthanc is used by one test file at a time, so there are about as many Orthancs as concurrent test
 * files. The main process of vitest starts the Orthancs, because a worker ends with its test file. A returned Orthanc is emptied before its
 * next use.
 */
export async function openArchivePool(prefix: Prefix): Promise<ArchivePool> {
  const all: OwnOrthanc[] = [];
  const free: number[] = [];
  const lend = async (): Promise<number> => {
    for (let number = free.pop(); number !== undefined; number = free.pop())
      if (await isEmptied(all[number])) return number;
    return all.push(await startOwnOrthanc(prefix)) - 1;
  };
  const server = createServer((request, response) => {
    const answered =
      request.method === 'POST'
        ? lend().then((number) => JSON.stringify({ number, ...all[number], pid: all[number]?.pid }))
        : Promise.resolve(Number(request.url?.slice(1))).then((number) => void free.push(number));
    answered.then(
      (text) => response.end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  const port = await reserveAnyPort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${port}/`,
    stop: async () => {
      server.close();
      await Promise.all(all.map((orthanc) => orthanc.stop()));
    },
  };
}

/** Borrows an Orthanc from the pool at `url`. `stop` returns it to the pool. */
export async function borrowOrthanc(url: string): Promise<TestOrthanc> {
  const answer = await fetch(url, { method: 'POST' });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`no Orthanc: ${text}`);
  const { number, ...lent } = Lent.parse(JSON.parse(text));
  return {
    ...lent,
    stop: async () => {
      await fetch(`${url}${number}`, { method: 'DELETE' });
    },
  };
}

/**
 * Removes all patients and the list of changes from an Orthanc. Returns false if the Orthanc does not answer, because a test may have ended
 * the process.
 */
async function isEmptied(orthanc: OwnOrthanc | undefined): Promise<boolean> {
  if (orthanc === undefined) return false;
  const { username, password } = orthanc;
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const ask = async (method: string, path: string, body: string | null = null): Promise<unknown> => {
    const answer = await fetch(`${orthanc.url}${path}`, { method, headers: { authorization }, body });
    const text = await answer.text();
    return text === '' ? undefined : JSON.parse(text);
  };
  try {
    for (let left = 1; left > 0;) {
      const Resources = await ask('GET', '/patients');
      await ask('POST', '/tools/bulk-delete', JSON.stringify({ Resources }));
      for (const log of ['/changes', '/exports']) await ask('DELETE', log);
      left = Statistics.parse(await ask('GET', '/statistics')).CountInstances;
    }
    return true;
  } catch {
    return false;
  }
}
