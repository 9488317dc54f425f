import { createHash } from 'node:crypto';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { readParts } from '../../src/dicomweb/http/multipart.reader.js';
import { parseMultipartType } from '../../src/dicomweb/http/multipart.type.js';
import type { Caller, World } from '../support/world.ts';
import { digestOf, type StreamedInstance, storeStreamed, streamedInstance } from './streamed.store.ts';

/** A stored series, with its path under /dicom-web, functions that make each sent instance again, and the duration of the request. */
export interface LargeSeries {
  studyUid: string;
  path: string;
  status: number;
  /** The number of instances that the answer lists as stored. */
  stored: number;
  seconds: number;
  instance: (index: number) => StreamedInstance;
  sopUid: (index: number) => string;
}

/** Stores `count` instances of `bytes` bytes each with one request, and does not keep the instances in memory. */
export async function storeLargeSeries(
  world: World,
  sender: Caller,
  { count, bytes }: { count: number; bytes: number },
): Promise<LargeSeries> {
  const [studyUid, seriesUid] = [freshUid(), freshUid()];
  const sopUid = (index: number) => `${seriesUid.slice(0, 40)}.${index + 1}`;
  const instance = (index: number) =>
    streamedInstance(bytes, { studyUid, seriesUid, sopUid: sopUid(index), instanceNumber: index + 1 });
  const all = function* () {
    for (let index = 0; index < count; index += 1) yield instance(index);
  };
  const began = performance.now();
  const to = { url: world.gateway.url, authorization: sender.authorization };
  const answer = await storeStreamed(to, all());
  return {
    studyUid,
    path: `/studies/${studyUid}/series/${seriesUid}`,
    status: answer.status,
    stored: answer.text.split('"00081155"').length - 1,
    seconds: (performance.now() - began) / 1000,
    instance,
    sopUid,
  };
}

/** The SHA-256 of each part of a multipart answer, in order. Throws for a malformed body. */
export async function digestsOf(world: World, reader: Caller, path: string): Promise<string[]> {
  const answer = await fetch(`${world.gateway.url}/dicom-web${path}`, {
    headers: { authorization: reader.authorization },
  });
  if (answer.status !== 200 || answer.body === null) throw new Error(`${path} answered ${answer.status}`);
  const boundary = parseMultipartType(answer.headers.get('content-type') ?? '')?.boundary ?? '';
  const digests: string[] = [];
  for await (const part of readParts(buffersOf(answer.body), boundary)) {
    const hash = createHash('sha256');
    for await (const chunk of part.body) hash.update(chunk);
    digests.push(hash.digest('hex'));
  }
  return digests;
}

/** The SHA-256 of each sent file of the series, sorted. */
export function digestsSent(series: LargeSeries, count: number): string[] {
  return Array.from({ length: count }, (_, index) => digestOf(series.instance(index))).sort();
}

async function* buffersOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
