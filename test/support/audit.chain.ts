import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type postgres from 'postgres';
import { z } from 'zod';

const VERIFY = join(import.meta.dirname, '../../dist/audit/verify.command.js');

/** The lock of the sealer. A session that holds it prevents all gateways from sealing. */
export const SEALER_LOCK = 7_263_413;

/** Runs `npm run audit:verify` on this database. Returns the exit code and the output. */
export function verifyAudit(url: string, ...args: string[]): Promise<{ code: number; text: string }> {
  const env = { PATH: process.env['PATH'], DATABASE_URL: url };
  return new Promise((resolve) => {
    execFile(process.execPath, [VERIFY, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, text: stdout + stderr }),
    );
  });
}

/** The number of audit rows without a seal. */
export async function countUnsealed(sql: postgres.Sql): Promise<number> {
  const [row] = await sql`
    select count(*)::int as n from audit
    where not exists (select from audit_seals where audit_id = audit.id and audit_at = audit.at)`;
  return z.number().parse(row?.['n']);
}
