import { z } from 'zod';
import type { Caller, World } from '../support/world.ts';

const Answer = z.array(
  z.record(z.string(), z.object({ vr: z.string(), Value: z.array(z.unknown()).optional() })),
);

/** The results of a search. Each result is a function from a tag to its value, or to an array if there is not exactly one value. */
export async function search(world: World, caller: Caller, path: string) {
  const answer = await world.get(caller, path).expect(200);
  return Answer.parse(answer.body).map(
    (found) => (tag: string) => (found[tag]?.Value?.length === 1 ? found[tag].Value[0] : found[tag]?.Value),
  );
}

const DiskUse = z.object({ DiskSize: z.string(), CountInstances: z.number() });

/** The size of a study on the archive's disk. `study` is Orthanc's id. */
export async function sizeOf(world: World, study: string): Promise<{ bytes: number; count: number }> {
  const use = DiskUse.parse(await (await world.archive(`/studies/${study}/statistics`)).json());
  return { bytes: Number(use.DiskSize), count: use.CountInstances };
}

/** The stored bytes of one frame. */
export async function demoFrameOf(
  world: World,
  caller: Caller,
  instance: string,
  frame: number,
): Promise<Buffer> {
  const answer = await world
    .get(caller, `${instance}/frames/${frame}`)
    .set('accept', 'multipart/related; type="application/octet-stream"; transfer-syntax=*')
    .buffer(true)
    .parse((response, done) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => done(null, Buffer.concat(chunks)));
    })
    .expect(200);
  return soleOf(z.instanceof(Buffer).parse(answer.body));
}

/** The only part of a multipart body. */
function soleOf(body: Buffer): Buffer {
  const start = body.indexOf('\r\n\r\n') + 4;
  return body.subarray(start, body.lastIndexOf('\r\n--'));
}
