import type { Readable } from 'node:stream';
import { UpstreamFailed } from '../problems/errors.js';

const OPEN = 0x7b;
const CLOSE = 0x7d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** A data set without bulk data is a few kilobytes; more than this is no metadata. */
const LARGEST = 16 * 1024 * 1024;

/** The objects of a JSON array one by one, each as its text, from a stream of bytes: memory is that of one object. Throws when the array is cut short. */
export async function* objectsOf(source: Readable): AsyncGenerator<string> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let depth = 0;
  let quoted = false;
  let escaped = false;
  let closed = false;
  for await (const chunk of source) {
    if (!Buffer.isBuffer(chunk)) throw new Error('not bytes');
    let start = depth > 0 ? 0 : -1;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (escaped) escaped = false;
      else if (quoted) {
        if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) quoted = false;
      } else if (byte === QUOTE) quoted = true;
      else if (byte === OPEN) {
        if (depth === 0) start = at;
        depth += 1;
      } else if (byte === CLOSE) {
        depth -= 1;
        if (depth > 0) continue;
        held.push(chunk.subarray(start, at + 1));
        yield Buffer.concat(held).toString('utf8');
        held = [];
        heldBytes = 0;
        start = -1;
      } else if (depth === 0 && byte === 0x5d) closed = true;
    }
    if (start !== -1) {
      held.push(chunk.subarray(start));
      heldBytes += chunk.length - start;
      if (heldBytes > LARGEST) throw new UpstreamFailed('an object too large for metadata');
    }
  }
  if (!closed) throw new UpstreamFailed('an array cut short');
}
