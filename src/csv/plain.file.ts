import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { gunzipCapped, recogniseContainer } from './csv.container.js';
import { CsvProbe, type ProbeFacts } from './csv.probe.js';

const Bytes = z.instanceof(Buffer);
/** Enough to know a container by. */
const HEAD = 512;

/** The text of a file as bytes: gzip is unpacked, what is neither text nor gzip is `FileRefused`. */
export async function* plainBytes(file: Readable): AsyncGenerator<Buffer> {
  const source: AsyncIterator<unknown> = file[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  let ended = false;
  while (head.length < HEAD && !ended) {
    const next = await source.next();
    ended = next.done === true;
    if (!ended) head = Buffer.concat([head, Bytes.parse(next.value)]);
  }
  const whole = async function* (): AsyncGenerator<Buffer> {
    yield head;
    for (
      let next = ended ? undefined : await source.next();
      next !== undefined && next.done !== true;
      next = await source.next()
    )
      yield Bytes.parse(next.value);
  };
  try {
    if (recogniseContainer(head) === 'text') yield* whole();
    else yield* unpacked(whole());
  } finally {
    file.destroy();
  }
}

async function* unpacked(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { input, output } = gunzipCapped();
  // What goes wrong in the input is told by the output.
  const feeding = pipeline(Readable.from(packed), input).catch(() => undefined);
  yield* output;
  await feeding;
}

/** Looks at the whole file once. */
export async function probeFile(file: Readable): Promise<ProbeFacts> {
  const probe = new CsvProbe();
  for await (const chunk of plainBytes(file)) probe.push(chunk);
  return probe.finish();
}
