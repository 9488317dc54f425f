import { Readable } from 'node:stream';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';

/** A PDF reader looks for `%PDF-` within this many bytes (ISO 32000-1, Annex H.3, note 13). */
const HEADER_BYTES = 1024;

/** Returns the same bytes if they are a PDF document. Otherwise destroys the stream and returns `undefined`. */
export async function asPdf({ length, stream }: ArchiveBytes): Promise<ArchiveBytes | undefined> {
  const close = () => stream.on('error', () => undefined).destroy();
  try {
    const source: AsyncIterator<unknown> = stream[Symbol.asyncIterator]();
    const beginning = await beginningOf(source);
    if (beginning.subarray(0, HEADER_BYTES).includes('%PDF-')) {
      const whole = Readable.from(after(beginning, source), { objectMode: false });
      whole.once('close', close);
      return { length, stream: whole };
    }
  } catch (error) {
    close();
    throw error;
  }
  close();
  return undefined;
}

async function beginningOf(source: AsyncIterator<unknown>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let size = 0; size < HEADER_BYTES;) {
    const { done, value } = await source.next();
    if (done === true) break;
    if (!Buffer.isBuffer(value)) continue;
    pieces.push(value);
    size += value.length;
  }
  return Buffer.concat(pieces);
}

async function* after(beginning: Buffer, rest: AsyncIterator<unknown>): AsyncGenerator {
  yield beginning;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
