import { Inject, Injectable } from '@nestjs/common';
import { type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type Policy, toSql } from '../authz/policy.js';
import { ENV } from '../config/config.module.js';
import { DATABASE, type Database } from '../database/database.module.js';
import type { Page } from '../http/list.query.js';
import { dueAt, purgeBlockOf, type PurgeFacts, purgeFactsOf, type PurgeSettings } from './purge.rules.js';
import { REASON_CODES, REJECTION_REASONS } from './rejection.reasons.js';

/** A rejection whose instances are still rejected. */
export const RejectedObject = z.object({
  id: z.uuid(),
  level: z.enum(['study', 'series', 'instance']).describe('What was rejected.'),
  study_uid: z.string(),
  series_uid: z.string().nullable().describe('The Series Instance UID. Null if the study was rejected.'),
  sop_instance_uid: z
    .string()
    .nullable()
    .describe('The SOP Instance UID. Null if the study or the series was rejected.'),
  reason: z
    .object({
      code: z.enum(REASON_CODES).describe('The code value in the coding scheme DCM (PS3.16 CID 7011).'),
      meaning: z.string(),
    })
    .nullable()
    .describe('Null if the client gave no reason.'),
  rejected_at: z.string(),
  rejected_by: z.string().nullable(),
  instances: z.int().describe('The number of instances that are still rejected.'),
  patient: z
    .object({
      issuer: z.string(),
      patient_id: z.string(),
      name: z.string().describe('The Patient Name (0010,0010).'),
    })
    .describe('The patient of the study.'),
  study_date: z.string(),
  study_description: z.string(),
  modalities: z.array(z.string()),
  purge: z
    .object({
      state: z.enum(['none', 'requested', 'purging']).describe('Whether a purge is requested or running.'),
      requested_by: z.string().nullable(),
      due_at: z.string(),
      blocked_by: z
        .enum(['hold', 'retention'])
        .nullable()
        .describe('What forbids the purge besides the waiting time.'),
    })
    .describe('The later removal from the archive.'),
});
export type RejectedObject = z.output<typeof RejectedObject>;

const Row = RejectedObject.omit({ purge: true }).extend({
  reason: z.enum(REASON_CODES).nullable(),
  purge_requested_by: z.string().nullable(),
});

const ORDERS = { newest: sql`r.rejected_at desc, r.id`, oldest: sql`r.rejected_at, r.id` };

/** Reads the rejections of studies that `studies:delete` covers. */
@Injectable()
export class RejectedList {
  constructor(
    @Inject(ENV) private readonly settings: PurgeSettings,
    @Inject(DATABASE) private readonly database: Database,
  ) {}

  /** Returns a page of rejections. `q` is a part of the patient's name, PatientID or a UID. */
  async list(
    policy: Policy,
    { limit, offset, q, newestFirst }: { limit: number; offset: number; q: string; newestFirst: boolean },
  ): Promise<Page<RejectedObject>> {
    const found = foundBy(
      policy,
      sql`(${q} = '' or strpos(lower(concat_ws(' ', studies_row.patient_name, p.patient_id, studies.study_uid, r.series_uid, r.sop_uid)), lower(${q})) > 0)`,
    );
    const rows = await this.database.execute(sql`
      select ${ITEM} ${found} order by ${ORDERS[newestFirst ? 'newest' : 'oldest']} limit ${limit} offset ${offset}`);
    const [count] = await this.database.execute(sql`select count(*)::int as total ${found}`);
    return {
      items: await this.withPurges(rows),
      total: z.object({ total: z.number() }).parse(count).total,
    };
  }

  /** Returns one rejection, or `undefined` if it has no rejected instances or is out of scope. */
  async get(policy: Policy, id: string): Promise<RejectedObject | undefined> {
    const rows = await this.database.execute(sql`select ${ITEM} ${foundBy(policy, sql`r.id = ${id}::uuid`)}`);
    return (await this.withPurges(rows))[0];
  }

  /** Adds what the rules say about the purge. Leaves out rejections that were purged after they were read. */
  private async withPurges(rows: Iterable<unknown>): Promise<RejectedObject[]> {
    const items = z.array(Row).parse([...rows]);
    const facts = await purgeFactsOf(
      this.database,
      items.map(({ id }) => id),
    );
    const byId = new Map(facts.map((one) => [one.id, one]));
    return items.flatMap(({ reason, purge_requested_by: requestedBy, ...item }) => {
      const of = byId.get(item.id);
      if (of === undefined) return [];
      const named = reason === null ? null : { code: reason, meaning: REJECTION_REASONS[reason] };
      return Object.assign(item, { reason: named, purge: purgeOf(of, requestedBy, this.settings) });
    });
  }
}

function purgeOf(
  facts: PurgeFacts,
  requestedBy: string | null,
  settings: PurgeSettings,
): RejectedObject['purge'] {
  const isRequested = facts.requestedBy !== null;
  const block = purgeBlockOf(facts, settings);
  return {
    state: facts.purgingAt === null ? (isRequested ? 'requested' : 'none') : 'purging',
    requested_by: requestedBy,
    due_at: dueAt(facts, settings).toISOString(),
    blocked_by: block === 'purge-on-hold' ? 'hold' : block === 'purge-under-retention' ? 'retention' : null,
  };
}

/** The rejections with rejected instances that match and that the right covers. The scope considers the rejected images too. */
function foundBy(policy: Policy, matches: SQL): SQL {
  return sql`from rejections r join rejected_studies studies on studies.id = r.study
    join studies studies_row on studies_row.id = r.study join patients p on p.id = studies.patient
    left join accounts a on a.id = r.account_id left join accounts asked on asked.id = r.purge_requested_by
    where r.restored_at is null and exists (select from rejected_instances i where i.rejection = r.id)
      and ${toSql(policy, 'studies:delete')} and ${matches}`;
}

const ITEM = sql.raw(`
  r.id, case when r.sop_uid is not null then 'instance' when r.series_uid is not null then 'series' else 'study' end as level,
  studies.study_uid, r.series_uid, r.sop_uid as sop_instance_uid, r.reason,
  to_char(r.rejected_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as rejected_at,
  coalesce(nullif(a.display_name, ''), a.name) as rejected_by,
  coalesce(nullif(asked.display_name, ''), asked.name) as purge_requested_by,
  (select count(*)::int from rejected_instances i where i.rejection = r.id) as instances,
  json_build_object('issuer', p.issuer, 'patient_id', p.patient_id, 'name', studies_row.patient_name) as patient,
  studies_row.study_date, studies_row.study_description,
  array(select distinct modality from rejected_instances i where i.rejection = r.id and modality <> '' order by 1) as modalities`);
