import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { DemoObject } from './demo.series.ts';
import type { GatewayClient } from './gateway.client.ts';

const BATCH = 20;

const Sequence = z.object({
  Value: z.array(z.record(z.string(), z.object({ Value: z.array(z.unknown()).optional() }))).optional(),
});

/** The Store Instances Response (PS3.18 §10.5.3) as DICOM JSON. */
const StoreResponse = z.object({ '00081198': Sequence.optional(), '00081199': Sequence.optional() });

/** Stores objects by STOW-RS in batches. Throws an error if the response does not list an object as stored. */
export async function storeAll(
  client: GatewayClient,
  objects: Iterable<DemoObject>,
  progress: (stored: number) => void,
): Promise<number> {
  let batch: DemoObject[] = [];
  let stored = 0;
  for (const object of objects) {
    batch.push(object);
    if (batch.length < BATCH) continue;
    await storeBatch(client, batch);
    stored += batch.length;
    batch = [];
    progress(stored);
  }
  if (batch.length > 0) await storeBatch(client, batch);
  return stored + batch.length;
}

async function storeBatch(client: GatewayClient, batch: readonly DemoObject[]): Promise<void> {
  const boundary = `radgate-${randomUUID()}`;
  const parts = batch.flatMap(({ file }) => [
    Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`),
    file,
    Buffer.from('\r\n'),
  ]);
  const answer = await client.send('/dicom-web/studies', {
    method: 'POST',
    type: `multipart/related; type="application/dicom"; boundary=${boundary}`,
    body: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
    accept: [409],
  });
  const response = StoreResponse.parse(await answer.json());
  const acknowledged = new Set(uidsOf(response['00081199']));
  const missing = batch.filter(({ sopUid }) => !acknowledged.has(sopUid));
  // The status can be 202 although all objects are stored, because the gateway uses the institution of the account instead of the
  // institution in the object.
  if (missing.length === 0) return;
  const failures = JSON.stringify(response['00081198']?.Value?.slice(0, 3) ?? []);
  throw new Error(
    `STOW-RS answered ${answer.status}; ${missing.length} of ${batch.length} not stored: ${failures}`,
  );
}

/** Returns the Referenced SOP Instance UID (0008,1155) of each item. */
function uidsOf(sequence: z.infer<typeof Sequence> | undefined): string[] {
  return (sequence?.Value ?? []).flatMap((item) => z.array(z.string()).parse(item['00081155']?.Value ?? []));
}
