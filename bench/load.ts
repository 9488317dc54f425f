// The load generator, in its own process. Reads one task as JSON from stdin and writes the measurement as JSON to stdout.
import { json } from 'node:stream/consumers';
import { Pool } from 'undici';
import { sample } from './samples.ts';
import { STOW_TYPE, stowBody } from './stow.body.ts';
import { type Measured, type Task, Wish } from './wish.ts';

/** Requests the paths in turn for `milliseconds` ms, with `connections` concurrent requests. Every response must have the status 200. */
async function ask(pool: Pool, wish: Extract<Task, { kind: 'ask' }>): Promise<Measured> {
  const { paths, headers, connections, milliseconds, once, status } = wish;
  const until = performance.now() + milliseconds;
  const times: number[] = [];
  let [next, bytes] = [0, 0];
  const worker = async () => {
    while (once ? next < paths.length : performance.now() < until) {
      const path = paths[next % paths.length] ?? '';
      next += 1;
      const began = performance.now();
      const answer = await pool.request({ method: 'GET', path, headers });
      let length = 0;
      for await (const chunk of answer.body) length += Buffer.isBuffer(chunk) ? chunk.length : 0;
      if (answer.statusCode !== status) throw new Error(`${path} answered ${answer.statusCode}`);
      bytes += length;
      times.push(performance.now() - began);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: connections }, worker));
  return measured(performance.now() - began, times, bytes);
}

/**
 * Sends new instances. With `perRequest`, each STOW-RS request contains this number of instances. Otherwise each instance is one POST
 * request to Orthanc. The instances are created before the measurement begins.
 */
async function store(pool: Pool, wish: Extract<Task, { kind: 'store' }>): Promise<Measured> {
  const { path, headers, connections, perRequest, instances, pixelBytes } = wish;
  const bodies = Array.from({ length: connections }, () => {
    const files = sample(instances / connections, pixelBytes).map(({ file }) => file);
    const groups: Buffer[] = [];
    for (let at = 0; at < files.length; at += perRequest ?? 1) {
      const some = files.slice(at, at + (perRequest ?? 1));
      groups.push(perRequest === undefined ? Buffer.concat(some) : stowBody(some));
    }
    return groups;
  });
  const type = perRequest === undefined ? 'application/dicom' : STOW_TYPE;
  const times: number[] = [];
  const began = performance.now();
  await Promise.all(
    bodies.map(async (groups) => {
      for (const body of groups) {
        const sent = performance.now();
        const answer = await pool.request({
          method: 'POST',
          path,
          headers: { ...headers, 'content-type': type },
          body,
        });
        const text = await answer.body.text();
        if (answer.statusCode !== 200) throw new Error(`${path} answered ${answer.statusCode}: ${text}`);
        times.push(performance.now() - sent);
      }
    }),
  );
  const result = measured(performance.now() - began, times, instances * pixelBytes);
  return { ...result, perSecond: (instances / result.milliseconds) * 1000 };
}

function measured(milliseconds: number, times: number[], bytes: number): Measured {
  const sorted = times.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    milliseconds,
    requests: times.length,
    perSecond: (times.length / milliseconds) * 1000,
    megabytesPerSecond: bytes / milliseconds / 1000,
    p50: at(0.5),
    p95: at(0.95),
  };
}

const wish = Wish.parse(await json(process.stdin));
const pool = new Pool(wish.url, {
  connections: wish.connections,
  // Our nginx has a self-signed certificate.
  connect: { rejectUnauthorized: false },
  keepAliveTimeout: 700,
  keepAliveTimeoutThreshold: 200,
});
const result = wish.kind === 'ask' ? await ask(pool, wish) : await store(pool, wish);
await pool.close();
process.stdout.write(JSON.stringify(result));
