import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { request } from 'undici';
import { z } from 'zod';
import type { BenchStack } from './bench.stack.ts';
import type { Slice } from './samples.ts';
import { STOW_TYPE, stowBody } from './stow.body.ts';
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

/** The number of instances in one STOW-RS request. */
const PER_REQUEST = 50;

/** Stores these instances in order, several with each request. */
export async function storeAll(
  stack: BenchStack,
  authorization: string,
  slices: readonly Slice[],
): Promise<void> {
  for (let at = 0; at < slices.length; at += PER_REQUEST) {
    const files = slices.slice(at, at + PER_REQUEST).map(({ file }) => file);
    const answer = await request(`${stack.gateway}/dicom-web/studies`, {
      method: 'POST',
      headers: { authorization, 'content-type': STOW_TYPE },
      body: stowBody(files),
    });
    if (answer.statusCode !== 200)
      throw new Error(`storing answered ${answer.statusCode}: ${await answer.body.text()}`);
    await answer.body.dump();
  }
}
