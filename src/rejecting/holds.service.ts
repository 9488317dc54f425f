import { Inject, Injectable } from '@nestjs/common';
import { and, eq, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type AuditedAction, AuditedActions } from '../audit/audited.actions.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { legalHolds } from '../database/schema.catalog.js';
import type { Page } from '../http/list.query.js';
import { NotVisible } from '../problems/errors.js';
import { HOLDS_LOCK } from './purge.rules.js';

const Key = z.string().trim().min(1).max(64);
const Reason = z.string().trim().min(1).max(500).describe('Why nothing may be purged.');
const HeldPatient = z
  .strictObject({ issuer: Key, patient_id: Key })
  .describe('A patient: nothing of any study is purged.');
const StudyKey = z
  .string()
  .regex(/^[0-9.]{1,64}$/)
  .describe('A Study Instance UID (0020,000D).');

/** The body of a new hold: a study or a patient, and the reason. */
export const NewHold = z
  .strictObject({ study_uid: StudyKey.optional(), patient: HeldPatient.optional(), reason: Reason })
  .refine(({ study_uid, patient }) => (study_uid === undefined) !== (patient === undefined), {
    path: ['study_uid'],
    message: 'Send either study_uid or patient.',
  });
export type NewHold = z.output<typeof NewHold>;

/** A legal hold that was not released. */
export const Hold = z.object({
  id: z.uuid(),
  study_uid: z.string().nullable().describe('The held study. Null if a patient is held.'),
  patient: z
    .object({ issuer: z.string(), patient_id: z.string() })
    .nullable()
    .describe('The held patient. Null if a study is held.'),
  reason: z.string().describe('Why nothing may be purged.'),
  created_at: z.string().describe('When the hold was made.'),
  created_by: z.string().nullable(),
});
export type Hold = z.output<typeof Hold>;

/** Makes, lists and releases legal holds. Nothing of a held study or patient is purged. */
@Injectable()
export class Holds {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly actions: AuditedActions,
  ) {}

  /** Returns a page of holds, newest first. `q` is a part of a UID, a PatientID or a reason. */
  async list({ limit, offset, q }: { limit: number; offset: number; q: string }): Promise<Page<Hold>> {
    const found = sql`${FROM} where h.released_at is null
      and (${q} = '' or strpos(lower(concat_ws(' ', h.study_uid, h.patient_id, h.reason)), lower(${q})) > 0)`;
    const rows = await this.database.execute(
      sql`select ${ITEM} ${found} order by h.created_at desc, h.id limit ${limit} offset ${offset}`,
    );
    const [count] = await this.database.execute(sql`select count(*)::int as total ${found}`);
    return {
      items: z.array(Hold).parse([...rows]),
      total: z.object({ total: z.number() }).parse(count).total,
    };
  }

  /** Makes a hold. It waits until running purges have removed the instances that they are removing, at most 20 each, and stops these purges. */
  async add(action: AuditedAction, { study_uid: studyUid, patient, reason }: NewHold): Promise<Hold> {
    action.addFacts({
      ...(studyUid === undefined ? {} : { studyUid }),
      ...(patient === undefined ? {} : { patientIssuer: patient.issuer, patientId: patient.patient_id }),
    });
    return this.actions.record(action, 201, async (tx) => {
      await tx.execute(sql`select pg_advisory_xact_lock(${HOLDS_LOCK})`);
      const [row] = await tx
        .insert(legalHolds)
        .values({
          studyUid: studyUid ?? null,
          issuer: patient?.issuer ?? null,
          patientId: patient?.patient_id ?? null,
          reason,
          accountId: action.accountId,
        })
        .returning({ id: legalHolds.id });
      action.addFacts({ detail: { hold: row?.id } });
      const rows = await tx.execute(sql`select ${ITEM} ${FROM} where h.id = ${row?.id}::uuid`);
      return Hold.parse(rows[0]);
    });
  }

  /** Releases a hold. Throws `NotVisible` if it is unknown or already released. */
  async release(action: AuditedAction, id: string): Promise<void> {
    await this.actions.record(action, 204, async (tx) => {
      const [row] = await tx
        .update(legalHolds)
        .set({ releasedAt: sql`clock_timestamp()`, releasedBy: action.accountId })
        .where(and(eq(legalHolds.id, id), isNull(legalHolds.releasedAt)))
        .returning();
      if (row === undefined) throw new NotVisible();
      action.addFacts({
        ...(row.studyUid === null ? {} : { studyUid: row.studyUid }),
        ...(row.issuer === null || row.patientId === null
          ? {}
          : { patientIssuer: row.issuer, patientId: row.patientId }),
      });
    });
  }
}

const FROM = sql.raw('from holds h left join accounts a on a.id = h.account_id');
const ITEM = sql.raw(`
  h.id, h.study_uid, h.reason, case when h.patient_id is not null then
    json_build_object('issuer', h.issuer, 'patient_id', h.patient_id) end as patient,
  to_char(h.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as created_at,
  coalesce(nullif(a.display_name, ''), a.name) as created_by`);
