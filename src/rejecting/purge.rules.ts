import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Env } from '../config/env.js';
import type { Database, Transaction } from '../database/database.module.js';
import type { CodeOf } from '../problems/problem.codes.js';

/** Why a rejection cannot be purged now. */
export type PurgeBlock = Extract<CodeOf<409>, 'purge-not-due' | 'purge-on-hold' | 'purge-under-retention'>;

export type PurgeSettings = Pick<Env, 'PURGE_AFTER_DAYS' | 'PURGE_TWO_PERSONS' | 'RETENTION_YEARS'>;

const Facts = z.object({
  id: z.string(),
  study: z.coerce.number(),
  studyUid: z.string(),
  patientIssuer: z.string(),
  patientId: z.string(),
  studyDate: z.string(),
  createdAt: z.coerce.date(),
  institution: z.string(),
  modalities: z.array(z.string()),
  instances: z.number(),
  rejectedAt: z.coerce.date(),
  requestedBy: z.string().nullable(),
  purgingAt: z.coerce.date().nullable(),
  isHeld: z.boolean(),
});

/** The facts about a rejection that decide whether it may be purged. */
export type PurgeFacts = Readonly<z.output<typeof Facts>>;

/** The advisory lock of PostgreSQL that purges share while they remove instances. A new hold needs it alone. */
export const HOLDS_LOCK = 7_270_093;

const DAY_MS = 24 * 60 * 60 * 1000;

/** Reads the facts about rejections with these ids. Leaves out rejections that are restored or have no instances. */
export async function purgeFactsOf(
  within: Database | Transaction,
  ids: readonly string[],
): Promise<PurgeFacts[]> {
  const rows = await within.execute(sql`
    select r.id, s.id as study, s.study_uid as "studyUid", p.issuer as "patientIssuer", p.patient_id as "patientId",
      s.study_date as "studyDate", s.created_at as "createdAt", s.institution, array_agg(distinct i.modality) as modalities,
      count(*)::int as instances, r.rejected_at as "rejectedAt", r.purge_requested_by as "requestedBy", r.purging_at as "purgingAt",
      exists (select from holds h where h.released_at is null
        and (h.study_uid = s.study_uid or (h.issuer = p.issuer and h.patient_id = p.patient_id))) as "isHeld"
    from rejections r join studies s on s.id = r.study join patients p on p.id = s.patient
    join rejected_instances i on i.rejection = r.id
    where r.id = any(${sql.param(ids)}::uuid[]) and r.restored_at is null
    group by r.id, s.id, p.id`);
  return z.array(Facts).parse([...rows]);
}

/** The reason why a rejection cannot be purged now, or `undefined` if it can. A hold is named first. */
export function purgeBlockOf(
  facts: PurgeFacts,
  settings: PurgeSettings,
  now = new Date(),
): PurgeBlock | undefined {
  if (facts.isHeld) return 'purge-on-hold';
  const until = retainedUntil(facts, settings.RETENTION_YEARS);
  if (until !== undefined && until > now) return 'purge-under-retention';
  return dueAt(facts, settings) > now ? 'purge-not-due' : undefined;
}

/** When the waiting time after the rejection ends. */
export function dueAt({ rejectedAt }: PurgeFacts, { PURGE_AFTER_DAYS: days }: PurgeSettings): Date {
  return new Date(rejectedAt.getTime() + days * DAY_MS);
}

/** The end of the longest retention that matches, or `undefined` if none does. It begins at the study date, or else at the first arrival. */
export function retainedUntil(facts: PurgeFacts, rules: PurgeSettings['RETENTION_YEARS']): Date | undefined {
  const matching = rules.filter(({ kind, value }) => {
    if (kind === 'modality') return facts.modalities.includes(value);
    return kind === undefined || facts.institution === value;
  });
  const years = Math.max(0, ...matching.map((rule) => rule.years));
  if (years === 0) return undefined;
  const until = new Date(dateOf(facts.studyDate) ?? facts.createdAt);
  until.setUTCFullYear(until.getUTCFullYear() + years);
  return until;
}

function dateOf(text: string): Date | undefined {
  const day = z.iso.date().safeParse(text.replace(/^(\d{4})(\d{2})(\d{2})$/, '$1-$2-$3'));
  return day.success ? new Date(day.data) : undefined;
}
