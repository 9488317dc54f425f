import { type ClientRequest, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { element, makeInstance, type InstanceOptions } from '../../infra/demo/dicom.writer.ts';
import type { Caller, World } from '../support/world.ts';

const values = z.object({ Value: z.array(z.unknown()).optional() });
const Items = z.object({ Value: z.array(z.record(z.string(), values)) }).optional();
const Answer = z.object({
  '00081190': values.optional(),
  '00081198': Items,
  '00081199': Items,
  '0008119A': Items,
});

/**
 * A summary of a Store Instances Response (PS3.18 §10.5.3): the UIDs of the stored instances, and the UIDs of the failed instances with
 * reasons.
 */
export interface Told {
  study: unknown;
  stored: string[];
  urls: unknown[];
  failed: Record<string, unknown>;
  unnamed: unknown[];
}

function valuesOf(items: z.infer<typeof Items>, tag: string): unknown[] {
  return (items?.Value ?? []).map((item) => item[tag]?.Value?.[0]);
}

/** Reads a Store Instances Response in JSON. */
export function told(answer: { text: string }): Told {
  const response = Answer.parse(JSON.parse(answer.text));
  const failures = valuesOf(response['00081198'], '00081155').map(String);
  const reasons = valuesOf(response['00081198'], '00081197');
  return {
    study: response['00081190']?.Value?.[0],
    stored: valuesOf(response['00081199'], '00081155').map(String),
    urls: valuesOf(response['00081199'], '00081190'),
    failed: Object.fromEntries(failures.map((sop, at) => [sop, reasons[at]])),
    unnamed: valuesOf(response['0008119A'], '00081197'),
  };
}

/** An instance whose pixel data has `bytes` bytes. */
export function bigInstance(bytes: number, options: InstanceOptions = {}, fill = 7): Buffer {
  return makeInstance({ ...options, extra: [element('7FE00010', 'OW', Buffer.alloc(bytes, fill))] });
}

const BOUNDARY = 'slow-boundary';

/** A STOW request whose body the test writes step by step. */
export interface SlowStore {
  request: ClientRequest;
  /** Writes bytes of the body. Resolves when the socket has accepted these bytes. */
  write: (bytes: Buffer | string) => Promise<void>;
  /** The delimiter and the headers before a part. */
  part: string;
  close: string;
  answer: Promise<{ status: number; text: string }>;
}

/** Opens a chunked STOW request. If the test aborts the request, the test must handle the error. */
export function openStore(world: World, caller: Caller): SlowStore {
  const outgoing = request(`${world.gateway.url}/dicom-web/studies`, {
    method: 'POST',
    headers: {
      authorization: caller.authorization,
      'content-type': `multipart/related; type="application/dicom"; boundary=${BOUNDARY}`,
    },
  });
  const answer = new Promise<{ status: number; text: string }>((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      text(incoming).then((body) => resolve({ status: incoming.statusCode ?? 0, text: body }), reject);
    });
  });
  answer.catch(() => undefined);
  const write = (bytes: Buffer | string) =>
    new Promise<void>((resolve, reject) => {
      outgoing.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  return {
    request: outgoing,
    write,
    part: `\r\n--${BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n`,
    close: `\r\n--${BOUNDARY}--\r\n`,
    answer,
  };
}

/** The number of instances in the archive. */
export async function archived(world: World): Promise<number> {
  const answer = await world.archive('/statistics');
  return z.object({ CountInstances: z.number() }).parse(await answer.json()).CountInstances;
}

/** The number of instances of these studies in the catalog, and the number of reservations. */
export async function catalogued(world: World, ...studies: readonly string[]) {
  const [row] = await world.sql<{ instances: number; counted: number; series: number; pending: number }[]>`
    select (select count(*)::int from instances i join series e on e.id = i.series join studies s on s.id = e.study
              where s.study_uid = any(${[...studies]})) as instances,
           (select coalesce(sum(instance_count), 0)::int from studies where study_uid = any(${[...studies]})) as counted,
           (select coalesce(sum(series_count), 0)::int from studies where study_uid = any(${[...studies]})) as series,
           (select count(*)::int from pending) as pending`;
  return row;
}
