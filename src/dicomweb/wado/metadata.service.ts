import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { InstanceMetadata } from './instance.metadata.js';
import type { Opened } from './retrieval.service.js';

/** Instances whose headers are read ahead of the one that is being sent. */
const AHEAD = 8;
/** Instances whose current file is looked up in the archive with one call. */
const AT_ONCE = 500;

/** Retrieve metadata (PS3.18 §10.4.1.1.2): what the stored file of each instance says. */
@Injectable()
export class Metadata {
  constructor(private readonly instances: InstanceMetadata) {}

  /**
   * DICOM JSON of all instances as one array, in series and instance order; all of them, or the stream is destroyed. The first is read before this
   * returns: throws `NotVisible`, `NeighbourAway`, `UpstreamFailed`. No more is read once `gone` aborts.
   */
  async json(opened: Opened, gone: AbortSignal): Promise<Readable> {
    return Readable.from(jsonOf(opened, await this.begun(opened, gone)), { objectMode: false });
  }

  /** The same as data sets of the DICOM JSON model, one by one. */
  async dataSets(opened: Opened, gone: AbortSignal): Promise<AsyncGenerator> {
    return dataSetsOf(await this.begun(opened, gone));
  }

  private async begun(opened: Opened, gone: AbortSignal): Promise<AsyncGenerator<Buffer>> {
    const texts = this.inOrder(opened, gone);
    const first = await texts.next();
    return resumed(first, texts);
  }

  private async *inOrder({ studyUid, instances }: Opened, gone: AbortSignal): AsyncGenerator<Buffer> {
    for (let at = 0; at < instances.length; at += AT_ONCE) {
      const some = instances.slice(at, at + AT_ONCE);
      const files = await this.instances.filesOf(some);
      const ahead: Promise<Buffer>[] = [];
      for (const instance of some) {
        const reading = this.instances.textOf(studyUid, instance, files, gone);
        // Its failure is met when its turn comes.
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

async function* jsonOf({ offered }: Opened, texts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
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
