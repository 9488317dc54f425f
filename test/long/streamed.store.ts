import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { element, makeInstance, type InstanceOptions } from '../../infra/demo/dicom.writer.ts';

const BOUNDARY = 'streamed-boundary';
const PIECE = Buffer.alloc(256 * 1024, 7);

/** A Part 10 file that is never in memory as a whole. `head` has the bytes before the pixels. `bytes` is the number of pixel bytes. */
export interface StreamedInstance {
  head: Buffer;
  bytes: number;
}

/** An instance with `bytes` bytes of pixels (an even number). */
export function streamedInstance(bytes: number, options: InstanceOptions): StreamedInstance {
  const head = makeInstance({ ...options, extra: [element('7FE00010', 'OW', Buffer.alloc(0))] });
  head.writeUInt32LE(bytes, head.length - 4);
  return { head, bytes };
}

/** Yields the file in pieces. */
function* piecesOf({ head, bytes }: StreamedInstance): Generator<Buffer> {
  yield head;
  for (let left = bytes; left > 0; left -= PIECE.length) yield PIECE.subarray(0, left);
}

/** SHA-256 of the whole file. */
export function digestOf(instance: StreamedInstance): string {
  const hash = createHash('sha256');
  for (const piece of piecesOf(instance)) hash.update(piece);
  return hash.digest('hex');
}

/** Stores instances in one chunked STOW-RS request, with backpressure. */
export async function storeStreamed(
  to: { url: string; authorization: string },
  instances: Iterable<StreamedInstance>,
): Promise<{ status: number; text: string }> {
  const agent = new Agent({ keepAlive: false });
  const outgoing = request(`${to.url}/dicom-web/studies`, {
    agent,
    method: 'POST',
    headers: {
      authorization: to.authorization,
      'content-type': `multipart/related; type="application/dicom"; boundary=${BOUNDARY}`,
    },
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve).once('error', reject);
  });
  const send = async () => {
    for (const instance of instances) {
      outgoing.write(`\r\n--${BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n`);
      for (const piece of piecesOf(instance)) if (!outgoing.write(piece)) await once(outgoing, 'drain');
    }
    outgoing.end(`\r\n--${BOUNDARY}--\r\n`);
  };
  const [answer] = await Promise.all([answered, send()]);
  return { status: answer.statusCode ?? 0, text: await text(answer) };
}
