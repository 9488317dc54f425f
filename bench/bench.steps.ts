import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { request } from 'undici';
import { z } from 'zod';
import type { BenchStack } from './bench.stack.ts';
import type { Slice } from './samples.ts';
import { Measured, type Wish } from './wish.ts';

/** Runs the load generator once, in its own process. */
export async function run(wish: Wish): Promise<Measured> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'load.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(wish));
  const said = await text(child.stdout);
  if (said === '') throw new Error('the load generator failed');
  return Measured.parse(JSON.parse(said));
}

/** Signs in as the administrator. Returns the header `Authorization`. */
export async function signIn({ gateway, admin }: BenchStack): Promise<string> {
  const answer = await request(`${gateway}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(admin),
  });
  return `Bearer ${z.object({ access_token: z.string() }).parse(await answer.body.json()).access_token}`;
}

/** Stores these instances one after the other. */
export async function storeAll(
  stack: BenchStack,
  authorization: string,
  slices: readonly Slice[],
): Promise<void> {
  for (const { file } of slices) {
    const answer = await request(`${stack.gateway}/dicom-web/studies`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/dicom' },
      body: file,
    });
    if (answer.statusCode !== 200)
      throw new Error(`storing answered ${answer.statusCode}: ${await answer.body.text()}`);
    await answer.body.dump();
  }
}
