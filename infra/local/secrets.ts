import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const Secrets = z.object({
  masterKey: z.string(),
  orthancPassword: z.string(),
  adminPassword: z.string(),
  metricsToken: z.string(),
});
const newToken = () => randomBytes(24).toString('base64url');
/** Stacks of earlier versions have no metrics token, so a new one is generated. */
const Kept = Secrets.extend({ metricsToken: z.string().optional() });
export type Secrets = z.infer<typeof Secrets>;

/** Returns the random secrets of the stack. The first start creates them. infra/local/postgres.ts keeps the passwords of PostgreSQL. */
export async function keptSecrets(data: string): Promise<Secrets> {
  const file = join(data, 'secrets.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text !== undefined) {
    const { metricsToken, ...kept } = Kept.parse(JSON.parse(text));
    if (metricsToken !== undefined) return { ...kept, metricsToken };
    return keep(file, { ...kept, metricsToken: newToken() });
  }
  return keep(file, {
    masterKey: randomBytes(32).toString('base64'),
    orthancPassword: randomBytes(24).toString('hex'),
    adminPassword: randomBytes(15).toString('base64url'),
    metricsToken: newToken(),
  });
}

/** Writes the file atomically, because the data of the stack cannot be used without the secrets. */
async function keep(file: string, secrets: Secrets): Promise<Secrets> {
  await writeFile(`${file}.new`, JSON.stringify(secrets, undefined, 2), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return secrets;
}
