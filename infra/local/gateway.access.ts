import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Credentials } from '../demo/records.client.ts';

const StackFile = z.object({
  gateway: z.string(),
  admin: z.object({ username: z.string(), password: z.string() }),
});

/** The gateway and the account of the environment (`RADGATE_URL`, …), or of the local stack in the folder `data`. */
export async function findGateway(data: string): Promise<{ gateway: string; credentials: Credentials }> {
  const { RADGATE_URL, RADGATE_KEY, RADGATE_USERNAME, RADGATE_PASSWORD } = process.env;
  if (RADGATE_URL === undefined) {
    const { gateway, admin } = await openStack(data);
    return { gateway, credentials: admin };
  }
  if (RADGATE_KEY !== undefined) return { gateway: RADGATE_URL, credentials: { key: RADGATE_KEY } };
  if (RADGATE_USERNAME === undefined || RADGATE_PASSWORD === undefined)
    throw new Error('RADGATE_URL needs RADGATE_KEY, or RADGATE_USERNAME and RADGATE_PASSWORD');
  const credentials = { username: RADGATE_USERNAME, password: RADGATE_PASSWORD };
  return { gateway: RADGATE_URL, credentials };
}

async function openStack(data: string): Promise<z.infer<typeof StackFile>> {
  const path = join(data, 'stack.json');
  const text = await readFile(path, 'utf8').catch(() => {
    throw new Error(`${path} is missing: start the stack (npm start), or set RADGATE_URL and RADGATE_KEY`);
  });
  return StackFile.parse(JSON.parse(text));
}
