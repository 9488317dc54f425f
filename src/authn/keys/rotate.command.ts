import '../../config/node.version.js';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { z } from 'zod';
import { readSecretFiles } from '../../config/secret.files.js';
import { SealedBox } from '../../secrets/sealed.box.js';
import { rotateKeys } from './key.rotation.js';

const Settings = z.object({
  DATABASE_URL: z.url(),
  MASTER_KEY: z.string().refine((text) => Buffer.from(text, 'base64').length === 32),
});
const HELP = `npm run keys:rotate   creates a new signing key for access tokens; the gateways need no restart

The key is in the JWKS immediately and signs after fifteen seconds. Earlier keys verify tokens until the last one expires.
Set DATABASE_URL and MASTER_KEY to the values of the gateways. To rotate a key of JWT_PRIVATE_KEY_FILE, replace the file.
`;

/** Runs `npm run keys:rotate`. */
async function main(): Promise<void> {
  if (process.argv.length === 3 && process.argv[2] === '--help') {
    process.stdout.write(HELP);
    return;
  }
  const settings = Settings.safeParse(readSecretFiles(process.env).variables);
  if (!settings.success || process.argv.length > 2) {
    process.stderr.write(HELP);
    process.exitCode = 2;
    return;
  }
  const { DATABASE_URL, ...master } = settings.data;
  const sql = postgres(DATABASE_URL, { max: 1, onnotice: () => undefined });
  try {
    const kid = await rotateKeys(drizzle(sql), new SealedBox(master));
    process.stdout.write(`new signing key ${kid}: it signs in fifteen seconds\n`);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

await main();
