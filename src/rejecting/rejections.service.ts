import { Inject, Injectable } from '@nestjs/common';
import { and, eq, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type Actor, AuditLog } from '../audit/audit.log.js';
import { type Policy, toSql } from '../authz/policy.js';
import type { ResourceUids } from '../catalog/lookup.service.js';
import { withRetries } from '../catalog/retrying.js';
import { Changes } from '../database/changes.js';
import { DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { rejections } from '../database/schema.catalog.js';
import { Conflict, NotVisible } from '../problems/errors.js';
import type { RejectionReason } from './rejection.reasons.js';

const Study = z.object({
  id: z.coerce.number(),
  studyUid: z.string(),
  patientIssuer: z.string(),
  patientId: z.string(),
});
type Study = z.output<typeof Study>;

/** A study and a number of its instances, for the audit. */
export interface AffectedStudy extends Omit<Study, 'id'> {
  readonly instances: number;
}

const Ids = z.array(z.object({ id: z.coerce.number() }));

/**
 * Rejects studies, series and instances, and restores them. Rejected instances stay in the archive, but nobody can read them. Each change and
 * its audit row are committed together.
 */
@Injectable()
export class Rejections {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly audit: AuditLog,
    private readonly changes: Changes,
  ) {}

  /**
   * Rejects all visible instances of the target. Throws `NotVisible` if the target has none, or if `studies:delete` does not cover it.
   * Instances that arrive later with other SOP Instance UIDs are not rejected.
   */
  reject(
    policy: Policy,
    actor: Actor,
    target: ResourceUids,
    reason: RejectionReason | undefined,
  ): Promise<AffectedStudy> {
    return withRetries(() =>
      this.database.transaction(async (tx) => {
        const { id: study, ...of } = await lockedStudy(tx, policy, target.study);
        const ids = await instancesOf(tx, study, target);
        if (ids.length === 0) throw new NotVisible();
        const [row] = await tx
          .insert(rejections)
          .values({
            study,
            seriesUid: target.series ?? null,
            sopUid: target.instance ?? null,
            reason: reason ?? null,
            accountId: actor.accountId,
          })
          .returning({ id: rejections.id });
        await tx.execute(
          sql`select reject_instances(${row?.id}::uuid, ${study}, ${sql.param(ids)}::bigint[])`,
        );
        const facts = { ...of, instances: ids.length };
        const detail = { rejection: row?.id, reason: reason ?? null, ...target };
        await this.audit.appendWithin(tx, { ...actor, ...facts, kind: 'answer', action: 'reject', detail });
        return facts;
      }),
    );
  }

  /**
   * Makes the instances of a rejection visible again. A repeated call restores nothing and succeeds. Throws `NotVisible` if the rejection is
   * unknown or `studies:delete` does not cover its study, and `Conflict` while it is purged.
   */
  async restore(policy: Policy, actor: Actor, id: string): Promise<AffectedStudy> {
    const restored = await withRetries(() =>
      this.database.transaction(async (tx) => {
        const { id: study, ...of } = await lockStudyOf(tx, policy, id);
        const [open] = await tx
          .update(rejections)
          .set({ restoredAt: sql`clock_timestamp()` })
          .where(and(eq(rejections.id, id), isNull(rejections.restoredAt)))
          .returning({ purgingAt: rejections.purgingAt });
        if (open?.purgingAt instanceof Date)
          throw new Conflict('purge-in-progress', 'The instances are being purged and cannot be restored.');
        if (open === undefined) return { ...of, instances: 0 };
        const [row] = await tx.execute(sql`select restore_instances(${id}::uuid, ${study}) as moved`);
        const facts = { ...of, instances: z.object({ moved: z.number() }).parse(row).moved };
        const detail = { rejection: id };
        await this.audit.appendWithin(tx, { ...actor, ...facts, kind: 'answer', action: 'restore', detail });
        return facts;
      }),
    );
    if (restored.instances > 0) this.changes.studyHasGrown(restored.studyUid);
    return restored;
  }
}

/** Locks a study that `studies:delete` covers. All writers lock the study first. */
async function lockedStudy(tx: Transaction, policy: Policy, studyUid: string): Promise<Study> {
  return studyOf(
    await tx.execute(sql`
      select studies.id, study_uid as "studyUid", patients.issuer as "patientIssuer", patients.patient_id as "patientId"
      from studies join patients on patients.id = studies.patient
      where study_uid = ${studyUid} and ${toSql(policy, 'studies:delete')} for update of studies`),
  );
}

/**
 * Locks the study of a rejection, if `studies:delete` covers the study and its rejected images. Throws `NotVisible` otherwise.
 */
export async function lockStudyOf(tx: Transaction, policy: Policy, rejection: string): Promise<Study> {
  return studyOf(
    await tx.execute(sql`
      select locked.id, locked.study_uid as "studyUid", patients.issuer as "patientIssuer", patients.patient_id as "patientId"
      from studies locked join patients on patients.id = locked.patient
      where locked.id = (select study from rejections where id = ${rejection}::uuid)
        and exists (select from rejected_studies studies where studies.id = locked.id and ${toSql(policy, 'studies:delete')})
      for update of locked`),
  );
}

function studyOf(rows: readonly unknown[]): Study {
  if (rows[0] === undefined) throw new NotVisible();
  return Study.parse(rows[0]);
}

async function instancesOf(tx: Transaction, study: number, target: ResourceUids): Promise<number[]> {
  const rows = await tx.execute(sql`
    select instances.id from instances join series on series.id = instances.series where series.study = ${study}
      and (${target.series ?? null}::text is null or series.series_uid = ${target.series ?? null})
      and (${target.instance ?? null}::text is null or instances.sop_uid = ${target.instance ?? null})`);
  return Ids.parse([...rows]).map(({ id }) => id);
}
