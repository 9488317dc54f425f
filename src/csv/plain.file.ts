import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { gunzipCapped, recogniseContainer } from './csv.container.js';
import { CsvProbe, type ProbeFacts } from './csv.probe.js';

const Bytes = z.instanceof(Buffer);
/** The number of bytes that are sufficient to detect the container. */
const HEAD = 512;

/** The bytes of a text file, or the decompressed bytes of a gzip file. Throws `FileRefused` for other files. */
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
    else yield* decompress(whole());
  } finally {
    file.destroy();
  }
}

async function* decompress(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { input, output } = gunzipCapped();
  // If the input fails, the output must fail too.
  const feeding = pipeline(Readable.from(packed), input).catch(() => undefined);
  yield* output;
  await feeding;
}

/** Collects the facts of a file in one pass. */
export async function probeFile(file: Readable): Promise<ProbeFacts> {
  const probe = new CsvProbe();
  for await (const chunk of plainBytes(file)) probe.push(chunk);
  return probe.finish();
}
