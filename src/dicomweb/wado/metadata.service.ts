import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { InstanceMetadata } from './instance.metadata.js';
import type { RecordedRead } from './read.access.js';

/** Number of instances whose headers are read in advance, during the transfer of an earlier instance. */
const AHEAD = 8;
/** Number of instances whose current files are looked up with one call to the archive. */
const BATCH = 500;

/** The metadata of instances (PS3.18 §10.4.1.1.2), read from their stored files. */
@Injectable()
export class Metadata {
  constructor(private readonly instances: InstanceMetadata) {}

  /**
   * The DICOM JSON of all instances as one array, in the order of series and instances. If a later instance cannot be read, the stream is
   * destroyed and does not end normally. This method reads the first instance before it returns, so it can throw `NotVisible`,
   * `NeighbourAway` and `UpstreamFailed`. Reading stops when `signal` aborts.
   */
  async json(read: RecordedRead, signal: AbortSignal): Promise<Readable> {
    return Readable.from(jsonOf(read, await this.started(read, signal)), { objectMode: false });
  }

  /** The metadata of all instances as data sets of the DICOM JSON model. Otherwise the same as {@link json}. */
  async dataSets(read: RecordedRead, signal: AbortSignal): Promise<AsyncGenerator> {
    return dataSetsOf(await this.started(read, signal));
  }

  private async started(read: RecordedRead, signal: AbortSignal): Promise<AsyncGenerator<Buffer>> {
    const texts = this.inOrder(read, signal);
    const first = await texts.next();
    return resumed(first, texts);
  }

  private async *inOrder({ studyUid, instances }: RecordedRead, signal: AbortSignal): AsyncGenerator<Buffer> {
    for (let start = 0; start < instances.length; start += BATCH) {
      const batch = instances.slice(start, start + BATCH);
      const files = await this.instances.filesOf(batch);
      const ahead: Promise<Buffer>[] = [];
      for (const instance of batch) {
        const reading = this.instances.textOf(studyUid, instance, files, signal);
        // The error is thrown later, when this instance is written.
        reading.catch(() => undefined);
        ahead.push(reading);
        const next = ahead.length >= AHEAD ? ahead.shift() : undefined;
        if (next !== undefined) yield await next;
      }
      for (const next of ahead) yield await next;
    }
  }
}

async function* resumed(first: IteratorResult<Buffer>, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (first.done !== true) yield first.value;
  yield* rest;
}

async function* jsonOf({ offered }: RecordedRead, texts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let separator = '[';
  for await (const text of texts) {
    offered({ instances: 1, bytes: text.length });
    yield Buffer.concat([Buffer.from(separator), text]);
    separator = ',';
  }
  yield Buffer.from(']');
}

async function* dataSetsOf(texts: AsyncIterable<Buffer>): AsyncGenerator {
  for await (const text of texts) yield JSON.parse(text.toString());
}
