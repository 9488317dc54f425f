import { type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Transaction } from '../database/database.module.js';
import type { OrthancId } from '../orthanc/orthanc.id.js';
import type { InstanceFacts } from '../catalog/instance.facts.js';
import type { Uploader } from '../catalog/parent.resolution.js';
import { Conflict } from '../problems/errors.js';
import { groupOf } from './quarantine.service.js';

const Row = z.object({ id: z.coerce.number() });
const EvictedInstance = z.object({
  orthanc_id: z.string(),
  orthanc_study: z.string(),
  study_uid: z.string(),
  series_uid: z.string(),
  sop_uid: z.string(),
  patient_id: z.string(),
  issuer: z.string(),
  modality: z.string(),
});

/**
 * Removes conflicting rows from the catalog, and quarantines their instances. A row conflicts with the accepted instance if the row has the
 * same Study Instance UID and another patient, the same Series Instance UID in another study, or the same SOP Instance UID and another
 * Orthanc id. The archive does not change. Returns false if an upload into one of these rows is running. Throws `Conflict` if the row or a row
 * below it is rejected.
 */
export async function evictConflicts(
  tx: Transaction,
  facts: InstanceFacts,
  by: Uploader,
  id: OrthancId,
): Promise<boolean> {
  const issuer = facts.headerIssuer || by.issuer || '';
  const study = await firstId(
    tx,
    sql`select s.id from studies s join patients p on p.id = s.patient where s.study_uid = ${facts.studyUid}
      and (p.patient_id <> ${facts.patientId} or (${issuer} <> '' and p.issuer <> ${issuer})) for update of s`,
  );
  const series = await firstId(
    tx,
    sql`select e.id from series e join studies s on s.id = e.study
      where e.series_uid = ${facts.seriesUid} and s.study_uid <> ${facts.studyUid} for update of s, e`,
  );
  const instance = await firstId(
    tx,
    sql`select i.id from instances i join series e on e.id = i.series join studies s on s.id = e.study
      where i.sop_uid = ${facts.sopUid} and i.orthanc_id <> ${id} for update of s, e`,
  );
  await refuseForRejected(tx, sql`r.sop_uid`, facts.sopUid);
  const steps = [
    { row: study, below: sql`s.id`, remove: (row: number) => removeStudy(row) },
    { row: series, below: sql`e.id`, remove: (row: number) => sql`select remove_series(${row})` },
    { row: instance, below: sql`i.id`, remove: (row: number) => sql`select remove_instance(${row})` },
  ];
  for (const { row, below, remove } of steps) {
    if (row === undefined) continue;
    if (await hasReservation(tx, below, row)) return false;
    await refuseForRejected(tx, below, row);
    await quarantineInstances(tx, sql`${below} = ${row}`);
    await tx.execute(remove(row));
  }
  return true;
}

async function firstId(tx: Transaction, query: SQL): Promise<number | undefined> {
  return z.array(Row).parse([...(await tx.execute(query))])[0]?.id;
}

async function hasReservation(tx: Transaction, below: SQL, row: number): Promise<boolean> {
  const rows = await tx.execute(sql`
    select 1 from pending q join series e on e.id = q.series join studies s on s.id = e.study
    left join instances i on i.series = e.id
    where ${below} = ${row} and q.expires_at >= clock_timestamp() limit 1`);
  return rows.length > 0;
}

/** Throws `Conflict` if there are rejected instances. Without their rows, the gateway would show them again. */
async function refuseForRejected(tx: Transaction, below: SQL, value: number | string): Promise<void> {
  const rows = await tx.execute(sql`
    select 1 from rejected_instances r join series e on e.id = r.series join studies s on s.id = e.study
    left join instances i on false where ${below} = ${value} limit 1`);
  if (rows.length > 0)
    throw new Conflict(
      'conflicts-with-rejected',
      'The instance contradicts rejected instances. Restore or purge them first, or discard this instance.',
    );
}

async function quarantineInstances(tx: Transaction, which: SQL): Promise<void> {
  const rows = await tx.execute(sql`
    select i.orthanc_id, coalesce(s.orthanc_id, i.orthanc_id) as orthanc_study, s.study_uid, e.series_uid, i.sop_uid,
      p.patient_id, p.issuer, i.modality
    from instances i join series e on e.id = i.series join studies s on s.id = e.study join patients p on p.id = s.patient
    where ${which}`);
  const groups = new Map<string, string>();
  for (const { orthanc_study, ...row } of z.array(EvictedInstance).parse([...rows])) {
    const group = groups.get(orthanc_study) ?? (await groupOf(tx, orthanc_study, 'contradicts'));
    groups.set(orthanc_study, group);
    await tx.execute(sql`
      insert into quarantined (orthanc_id, quarantine, study_uid, series_uid, sop_uid, patient_id, issuer, modality)
      values (${row.orthanc_id}, ${group}, ${row.study_uid}, ${row.series_uid}, ${row.sop_uid},
        ${row.patient_id}, ${row.issuer}, ${row.modality}) on conflict (orthanc_id) do nothing`);
  }
}

function removeStudy(row: number): SQL {
  return sql`
    with gone as (delete from studies where id = ${row} returning id, patient)
    delete from patients using gone where patients.id = gone.patient
      and not exists (select from studies other where other.patient = gone.patient and other.id <> gone.id)`;
}
