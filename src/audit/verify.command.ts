import '../config/node.version.js';
import postgres from 'postgres';
import { z } from 'zod';
import { readSecretFiles } from '../config/secret.files.js';
import { chainHash, LATE_SECONDS } from './seal.chain.js';
import { LateSeals } from './late.seals.js';

/** The result of checking the chain. `fault` names the first row that differs from its seal. */
interface ChainCheck {
  readonly rows: number;
  readonly last: { readonly position: string; readonly hash: string } | undefined;
  readonly late: readonly string[];
  readonly fault: string | undefined;
}

/** The result of checking the audit. `unsealed` describes the rows that have no seal. */
interface Verdict extends ChainCheck {
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
 * minute, because a change of this row cannot be detected.
 */
async function verify(sql: postgres.Sql, anchor?: Anchor): Promise<Verdict> {
  return sql.begin('isolation level repeatable read read only', async (tx) => {
    await tx`set local timezone to 'UTC'`;
    return { ...(await follow(tx, anchor)), unsealed: await unsealedIn(tx) };
  });
}

/**
 * Checks the chain from its first seal to its end. If the rows of old months were dropped, the chain begins with the last seal of these
 * months. Finds each changed row, and each deleted row or seal. Without an anchor, this check cannot detect that the last seals were
 * deleted.
 */
async function follow(tx: postgres.TransactionSql, anchor?: Anchor): Promise<ChainCheck> {
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
    const { rows, last, late, fault, unsealed } = await verify(sql, anchor.data);
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
