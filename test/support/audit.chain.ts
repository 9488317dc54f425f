import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type postgres from 'postgres';
import { z } from 'zod';

const VERIFY = join(import.meta.dirname, '../../dist/audit/verify.command.js');

/** The lock that gateways take to seal: whoever holds it keeps all of them from sealing. */
export const SEALER_LOCK = 7_263_413;

/** `npm run audit:verify` on this database: its exit code and what it says. */
export function verifyAudit(url: string, ...args: string[]): Promise<{ code: number; text: string }> {
  const env = { PATH: process.env['PATH'], DATABASE_URL: url };
  return new Promise((resolve) => {
    execFile(process.execPath, [VERIFY, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, text: stdout + stderr }),
    );
  });
}

/** How many rows of the audit have no seal. */
export async function countUnsealed(sql: postgres.Sql): Promise<number> {
  const [row] = await sql`
    select count(*)::int as n from audit
    where not exists (select from audit_seals where audit_id = audit.id and audit_at = audit.at)`;
  return z.number().parse(row?.['n']);
}
