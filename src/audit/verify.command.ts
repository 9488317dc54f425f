import '../config/node.version.js';
import postgres from 'postgres';
import { z } from 'zod';
import { readSecretFiles } from '../config/secret.files.js';
import { verifyAudit } from './seal.verification.js';

const HELP = `npm run audit:verify                           follows the chain of seals and prints the first row that differs from its seal,
                                               rows without a seal, and rows that were sealed late
npm run audit:verify -- --expect POSITION:HASH  also requires this seal, taken from the gateway's log ("sealed")

Set DATABASE_URL or DATABASE_OWNER_URL. Exit code 0: the audit is complete. 1: a row differs, is missing, or has had no seal for a minute. 2: the check failed.
`;
const Settings = z
  .object({ DATABASE_OWNER_URL: z.string().optional(), DATABASE_URL: z.string().optional() })
  .transform((env) => env.DATABASE_OWNER_URL || env.DATABASE_URL)
  .pipe(z.url());
const Arguments = z.union([
  z.tuple([]).transform(() => undefined),
  z
    .tuple([z.literal('--expect'), z.string().regex(/^\d{1,19}:[0-9a-f]{64}$/)])
    .transform(([, text]) => ({ position: text.slice(0, -65), hash: text.slice(-64) })),
]);

/** Runs `npm run audit:verify` and returns its exit code. */
async function main(): Promise<number> {
  if (process.argv.length === 3 && process.argv[2] === '--help') {
    process.stdout.write(HELP);
    return 0;
  }
  const url = Settings.safeParse(readSecretFiles(process.env).variables);
  const anchor = Arguments.safeParse(process.argv.slice(2));
  if (!url.success || !anchor.success) {
    process.stderr.write(HELP);
    return 2;
  }
  const sql = postgres(url.data, { max: 1, onnotice: () => undefined });
  try {
    const { rows, last, late, fault, unsealed } = await verifyAudit(sql, anchor.data);
    const upTo = last === undefined ? '' : `, up to seal ${last.position}:${last.hash}`;
    const lines = [...late, unsealed, fault ?? `${rows} rows are as they were sealed${upTo}`];
    for (const line of lines) if (line !== undefined) process.stdout.write(`${line}\n`);
    return fault === undefined && unsealed === undefined ? 0 : 1;
  } catch (error) {
    process.stderr.write(
      `The audit could not be checked: ${error instanceof Error ? error.name : 'unknown'}\n`,
    );
    return 2;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

if (import.meta.main) process.exitCode = await main();
