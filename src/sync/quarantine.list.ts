import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { DATABASE, type Database } from '../database/database.module.js';

/**
 * A group of quarantined instances that belong to the same study in Orthanc and have the same reason. `held_by` is the study of the catalog
 * with which these instances conflict.
 */
export const QuarantineItem = z.object({
  id: z.string(),
  reason: z.string(),
  since: z.string(),
  instances: z.number(),
  study_uid: z.string(),
  series_uids: z.array(z.string()),
  modalities: z.array(z.string()),
  patient: z.object({ issuer: z.string(), patient_id: z.string() }),
  held_by: z.object({ study_uid: z.string(), issuer: z.string(), patient_id: z.string() }).nullable(),
});

export type QuarantineItem = z.infer<typeof QuarantineItem>;

const SERIES_SHOWN = 20;
const ORDERS = { oldest: sql`g.since, g.id`, newest: sql`g.since desc, g.id desc` };

/** Reads the quarantine in the format of the API. */
@Injectable()
export class QuarantineList {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Returns a page of groups, sorted by age. `reason` selects the groups with this reason. `q` is a part of a PatientID or UID. */
  async list(page: {
    limit: number;
    offset: number;
    q: string;
    reason?: string | undefined;
    newestFirst: boolean;
  }): Promise<{ items: readonly QuarantineItem[]; total: number }> {
    const found = sql`
      from quarantine g where (${page.reason ?? ''} = '' or g.reason = ${page.reason ?? ''}) and exists (select from quarantined w where w.quarantine = g.id
        and (${page.q} = '' or strpos(lower(w.patient_id || ' ' || w.study_uid || ' ' || w.series_uid || ' ' || w.sop_uid),
          lower(${page.q})) > 0))`;
    const rows = await this.database.execute(sql`
      select ${ITEM} ${found} order by ${ORDERS[page.newestFirst ? 'newest' : 'oldest']} limit ${page.limit} offset ${page.offset}`);
    const [count] = await this.database.execute(sql`select count(*)::int as total ${found}`);
    return {
      items: z.array(QuarantineItem).parse([...rows]),
      total: z.object({ total: z.number() }).parse(count).total,
    };
  }

  /** Returns one group, or `undefined` if the group has no instances any more. */
  async get(id: string): Promise<QuarantineItem | undefined> {
    const rows = await this.database.execute(sql`
      select ${ITEM} from quarantine g where g.id = ${id}::uuid
        and exists (select from quarantined w where w.quarantine = g.id)`);
    return z.array(QuarantineItem).parse([...rows])[0];
  }
}

/** All instances of a group belong to one study in Orthanc, so the row shows the identifiers of the first instance. */
const ITEM = sql.raw(`
  g.id, g.reason, to_char(g.since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as since,
  (select count(*)::int from quarantined w where w.quarantine = g.id) as instances,
  (select study_uid from quarantined w where w.quarantine = g.id order by orthanc_id limit 1) as study_uid,
  array(select distinct series_uid from quarantined w where w.quarantine = g.id order by 1 limit ${SERIES_SHOWN}) as series_uids,
  array(select distinct modality from quarantined w where w.quarantine = g.id and modality <> '' order by 1) as modalities,
  (select json_build_object('issuer', issuer, 'patient_id', patient_id)
    from quarantined w where w.quarantine = g.id order by orthanc_id limit 1) as patient,
  (select json_build_object('study_uid', s.study_uid, 'issuer', p.issuer, 'patient_id', p.patient_id)
    from (select * from quarantined w where w.quarantine = g.id order by orthanc_id limit 1) w
    join studies s on s.study_uid = w.study_uid
      or s.id = (select e.study from series e where e.series_uid = w.series_uid)
      or s.id = (select e.study from instances i join series e on e.id = i.series where i.sop_uid = w.sop_uid)
    join patients p on p.id = s.patient
    where s.instance_count > 0 order by s.study_uid = w.study_uid desc limit 1) as held_by`);
