import type postgres from 'postgres';
import { z } from 'zod';
import { LateSeals } from './late.seals.js';
import { chainHash, LATE_SECONDS } from './seal.chain.js';

/** The result of checking the chain. `fault` names the first row that differs from its seal. */
interface ChainCheck {
  readonly rows: number;
  readonly last: { readonly position: string; readonly hash: string } | undefined;
  readonly late: readonly string[];
  readonly fault: string | undefined;
}

/** The result of checking the audit. `unsealed` describes the rows that have no seal. */
interface AuditVerdict extends ChainCheck {
  readonly unsealed: string | undefined;
}

/** A seal that the caller has from another source, for example from the gateway's log. */
interface Anchor {
  readonly position: string;
  readonly hash: string;
}

const Link = z.object({
  position: z.string(),
  id: z.string(),
  at: z.string(),
  hash: z.instanceof(Uint8Array),
  text: z.string().nullable(),
  dropped: z.boolean(),
});
type Link = z.output<typeof Link>;

const BATCH_SEALS = 2_000;

/**
 * Checks the audit in one snapshot. Checks the chain, and searches for rows without a seal. A row without a seal is a fault after one
 * minute, because a change of this row cannot be detected. `checked` is called with the number of checked rows, from time to time. If it
 * throws, the check ends.
 */
export async function verifyAudit(
  sql: postgres.Sql,
  anchor?: Anchor,
  checked: (rows: number) => Promise<void> = () => Promise.resolve(),
): Promise<AuditVerdict> {
  return sql.begin('isolation level repeatable read read only', async (tx) => {
    await tx`set local timezone to 'UTC'`;
    await tx`set local statement_timeout to '30min'`;
    return { ...(await follow(tx, checked, anchor)), unsealed: await unsealedIn(tx) };
  });
}

/**
 * Checks the chain from its first seal to its end. If the rows of old months were dropped, the chain begins with the last seal of these
 * months. Finds each changed row, and each deleted row or seal. Without an anchor, this check cannot detect that the last seals were
 * deleted.
 */
async function follow(
  tx: postgres.TransactionSql,
  checked: (rows: number) => Promise<void>,
  anchor?: Anchor,
): Promise<ChainCheck> {
  let hash: Uint8Array = Buffer.alloc(0);
  let rows = 0;
  let last: ChainCheck['last'];
  let met = anchor === undefined;
  const seals = new LateSeals();
  const found = (fault: string | undefined): ChainCheck => ({ rows, last, late: seals.lines(), fault });
  for await (const page of links(tx)) {
    for (const raw of page) {
      const link = Link.parse(raw);
      const fault = faultOf(link, hash);
      if (fault !== undefined) return found(fault);
      hash = link.hash;
      if (link.text !== null) {
        rows += 1;
        seals.add(link.position, link.text);
      }
      last = { position: link.position, hash: Buffer.from(hash).toString('hex') };
      if (anchor?.position !== link.position) continue;
      if (anchor.hash !== last.hash)
        return found(`the seal at ${link.position} is not the one that was noted`);
      met = true;
    }
    await checked(rows);
  }
  if (met) return found(undefined);
  return found(
    `the chain has no seal at ${anchor?.position}: its end was cut off, or the seal is older than what is kept`,
  );
}

function links(tx: postgres.TransactionSql) {
  return tx`
    select s.position::text, s.audit_id::text as id, s.audit_at::text as at, s.hash, a.text,
      exists (select from audit_months m where m.month = date_trunc('month', s.audit_at)::date) as dropped
    from audit_seals s
    left join lateral (
      select to_jsonb(audit)::text as text from audit
      where audit.at = s.audit_at and audit.id = s.audit_id and audit.xact = s.audit_xact) a on true
    order by s.position`.cursor(BATCH_SEALS);
}

function faultOf({ position, id, at, hash, text, dropped }: Link, before: Uint8Array): string | undefined {
  if (text === null) return dropped ? undefined : `row ${id} of ${at} (seal ${position}) is missing`;
  const wanted = chainHash(before, text);
  return wanted.equals(hash) ? undefined : `row ${id} of ${at} (seal ${position}) is not as it was sealed`;
}

async function unsealedIn(tx: postgres.TransactionSql): Promise<string | undefined> {
  const [found] = await tx<{ rows: string; oldest: string | null; newest: string | null }[]>`
    select count(*)::text as rows, min(at)::text as oldest, max(at)::text as newest from audit
    where at < now() - make_interval(secs => ${LATE_SECONDS})
      and not exists (select from audit_seals where audit_id = audit.id and audit_at = audit.at)`;
  if (found === undefined || found.oldest === null) return undefined;
  return `${found.rows} rows from ${found.oldest} to ${found.newest} have no seal: whether they were changed cannot be verified. A running gateway seals them; if this stays, read its log and /health/ready`;
}
