import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { badDay } from '../imports/bad.day.ts';
import { Accepted, Clerk } from '../imports/import.world.ts';
import { cpfOf, HEADER, row } from '../imports/lists.ts';
import { forgetPeak, residentOf, tell } from './resident.memory.ts';

const BOUNDARY = 'one-line-boundary';
const PIECE = Buffer.alloc(2 ** 20, 'x');
/** The number of pieces of 1 MiB in the line. The line is just below the upload limit. */
const PIECES = 1_022;

const world = badDay(
  'ten thousand rows: three kills, a minute of 503, one answer in twenty lost, and the resources of a good day',
  { rows: 10_000, kills: [0.05, 0.3, 0.6], awayMs: 60_000, limitMs: 30 * 60_000 },
);

function* theForm(): Generator<Buffer> {
  const disposition = 'Content-Disposition: form-data; name="file"; filename="list.csv"';
  yield Buffer.from(`--${BOUNDARY}\r\n${disposition}\r\nContent-Type: text/csv\r\n\r\n${HEADER}\n`);
  for (let piece = 0; piece < PIECES; piece += 1) yield PIECE;
  yield Buffer.from(`\n${row(cpfOf(1)).join(',')}\n\r\n--${BOUNDARY}--\r\n`);
}

it('one line of a gigabyte is one refused row, and the next row is written', async () => {
  const clerk = await Clerk.start(world());
  const { url, pid } = world().gateway;
  const before = await residentOf(pid);
  await forgetPeak(pid);
  const outgoing = request(`${url}/api/imports?mapping=${clerk.mapping}`, {
    method: 'POST',
    headers: {
      authorization: clerk.caller.authorization,
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
    },
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve).once('error', reject);
  });
  for (const piece of theForm()) if (!outgoing.write(piece)) await once(outgoing, 'drain');
  outgoing.end();
  const answer = await answered;
  const body = await text(answer);
  expect(`${answer.statusCode} ${body}`).toMatch(/^202 /);
  const done = await clerk.ended(Accepted.parse(JSON.parse(body)).file_id);
  expect(done).toMatchObject({ rows_total: 2, created: 1, rejected: 1, reasons: { 'row-too-large': 1 } });
  const { most } = await residentOf(pid);
  tell(`one line of ${PIECES} MiB: ${before.now.toFixed(0)} MiB before, ${most.toFixed(0)} MiB at most`);
  // Garbage may still be in memory, but the line itself must not be.
  expect(most - before.now).toBeLessThan(PIECES / 2);
});
