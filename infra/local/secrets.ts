import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const Secrets = z.object({ masterKey: z.string(), orthancPassword: z.string(), adminPassword: z.string() });
export type Secrets = z.infer<typeof Secrets>;

/** The stack's own secrets, random, made at the first start (those of PostgreSQL are kept beside its data). */
export async function keptSecrets(data: string): Promise<Secrets> {
  const file = join(data, 'secrets.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text !== undefined) return Secrets.parse(JSON.parse(text));
  const made = {
    masterKey: randomBytes(32).toString('base64'),
    orthancPassword: randomBytes(24).toString('hex'),
    adminPassword: randomBytes(15).toString('base64url'),
  };
  await writeFile(file, JSON.stringify(made, undefined, 2), { mode: 0o600 });
  return made;
}
