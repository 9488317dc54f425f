import { setTimeout as sleep } from 'node:timers/promises';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { z } from 'zod';
import { Policies } from '../../src/authz/policies.service.js';
import { Lookup } from '../../src/catalog/lookup.service.js';
import { RecentStudies } from '../../src/catalog/recent.studies.js';
import { Searches } from '../../src/catalog/search.service.js';
import { StudyUid } from '../../src/dicom/uids.js';
import { PLANNING } from '../../src/database/database.module.js';
import { createDatabase } from '../support/neighbours.ts';

/** The cost of a query: the number of blocks that it touched on disk or in memory, and the tables that it scanned completely. */
interface Touched {
  readonly question: string;
  readonly buffers: number;
  readonly whole: readonly string[];
}

const READER = '00000000-0000-4000-8000-00000000000a';
/** The number of studies that each kind of scope except `own-patient` covers. This number does not depend on the size of the database. */
const SEEN = 4;

const Node = z.looseObject({
  'Node Type': z.string(),
  'Relation Name': z.string().optional(),
  'Shared Hit Blocks': z.number(),
  'Shared Read Blocks': z.number(),
  Plans: z.array(z.unknown()).default([]),
});
const Params = z.array(z.union([z.string(), z.number(), z.null()]));
type Asked = { readonly query: string; readonly params: z.output<typeof Params> };
const Explained = z.array(z.object({ 'QUERY PLAN': z.array(z.object({ Plan: Node })) }));

/**
 * Creates a database of `studies` studies with ten instances each. Each study has one grant, and each group has a hundred grants. One
 * reader has further grants: five kinds of scope that cover {@link SEEN} studies each, and the scope `own-patient`. Returns the cost of the
 * gateway's queries for that reader.
 */
export async function measureScale(studies: number): Promise<Touched[]> {
  const database = await createDatabase();
  const owner = postgres(database.ownerUrl, {
    max: 1,
    onnotice: () => undefined,
    connection: PLANNING,
  });
  const client = postgres(database.appUrl, { max: 1 });
  try {
    await fill(owner, studies);
    return await ask(client, owner);
  } finally {
    await client.end();
    await owner.end();
    await database.drop();
  }
}

/** For each query, the number of touched blocks in the large database divided by the number in the small one. */
export function timesAsMany(few: readonly Touched[], many: readonly Touched[]): [string, number][] {
  return many.map(({ question, buffers }, index) => [question, buffers / (few[index]?.buffers ?? 0)]);
}

async function fill(sql: postgres.Sql, studies: number): Promise<void> {
  await sql.unsafe(`
    insert into accounts (id, kind, name, patient_issuer, patient_id) values ('${READER}', 'person', 'reader', 'N', 'P7');
    insert into accounts (id, kind, name) select ('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid, 'person', 'other ' || n
      from generate_series(1, ${studies / 100}) n;
    insert into groups (name) select 'group ' || n from generate_series(1, ${studies / 100}) n;
    insert into memberships select g.id, a.id from groups g join accounts a on a.name = replace(g.name, 'group', 'other');
    insert into patients (issuer, patient_id) select 'N', 'P' || n from generate_series(1, ${studies}) n;
    -- Most belong to others; the reader's are strewn among them.
    insert into studies (study_uid, patient, created_by, institution, study_date, patient_name, patient_name_key, image_modalities, modalities, series_count, instance_count)
      select '1.2.' || n, n, ('00000000-0000-4000-9000-' || lpad((n % ${studies / 100} + 1)::text, 12, '0'))::uuid,
        'Institution ' || n % ${studies / 100}, to_char(date '2000-01-01' + n % 9000, 'YYYYMMDD'),
        'Name ' || n, 'name ' || n, array[(array['CT', 'MR', 'US'])[n % 3 + 1]], array[(array['CT', 'MR', 'US'])[n % 3 + 1]], 1, 10
      from generate_series(1, ${studies}) n;
    update studies set institution = 'Of the reader' where id % (${studies} / ${SEEN}) = 1;
    update studies set image_modalities = '{XA}' where id % (${studies} / ${SEEN}) = 2;
    update studies set created_by = '${READER}' where id % (${studies} / ${SEEN}) = 3;
    insert into series (series_uid, study, modality, series_number, instance_count)
      select '1.3.' || n, n, (array['CT', 'MR', 'US'])[n % 3 + 1], 1, 10 from generate_series(1, ${studies}) n;
    insert into instances (sop_uid, series, sop_class_uid, transfer_syntax, instance_number, orthanc_id)
      select '1.4.' || n, n % ${studies} + 1, '1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.1.2.1', n / ${studies},
        'a0000000-b0000000-c0000000-d0000000-' || lpad(n::text, 8, '0')
      from generate_series(1, ${studies * 10}) n;
    -- Round about, so that the grants of one group lie far from each other.
    insert into grants (group_id, rights, scope_kind, study_uid)
      select g.ids[n % ${studies / 100} + 1], '{studies:read}'::text[], 'study', '1.2.' || n
      from generate_series(1, ${studies}) n, (select array_agg(id) as ids from groups) g;
    with mine as (insert into groups (name) values ('of the reader') returning id),
      member as (insert into memberships select id, '${READER}' from mine)
    insert into grants (group_id, rights, scope_kind, institution, modality, study_uid, issuer, patient_id)
      select mine.id, '{studies:read}'::text[], v.* from mine, (values
        ('institution', 'Of the reader', null, null, null, null), ('modality', null, 'XA', null, null, null),
        ('own-uploads', null, null, null, null, null), ('own-patient', null, null, null, null, null)) v
      union all select mine.id, '{studies:read}'::text[], 'study', null, null, '1.2.' || n * (${studies} / ${SEEN}) + 4, null, null
        from mine, generate_series(0, ${SEEN - 1}) n
      union all select mine.id, '{studies:read}'::text[], 'patient', null, null, null, 'N', 'P' || n * (${studies} / ${SEEN}) + 5
        from mine, generate_series(0, ${SEEN - 1}) n;`);
  await settle(sql);
}

/**
 * Vacuums the tables, because the measured plans depend on it. Repeats this until all pages are marked as visible. A running autovacuum can
 * delay that.
 */
async function settle(sql: postgres.Sql): Promise<void> {
  for (;;) {
    await sql`vacuum analyze`;
    const open = await sql`
      select from pg_class where relname in ('memberships', 'grants') and relallvisible < relpages`;
    if (open.length === 0) return;
    await sleep(200);
  }
}

async function ask(client: postgres.Sql, owner: postgres.Sql): Promise<Touched[]> {
  const asked: Asked[] = [];
  const logQuery = (query: string, params: unknown[]) =>
    void asked.push({ query, params: Params.parse(params) });
  const database = drizzle(client, { logger: { logQuery } });
  const noChanges = { on: () => undefined };
  const policy = await new Policies(database, noChanges).of({
    id: READER,
    patient: { issuer: 'N', patientId: 'P7' },
  });
  const search = { filters: [], fuzzy: false, limit: 100, offset: 0 } as const;
  const { total } = await new Searches(database).run(policy, { level: 'study', ...search });
  if (total < 5 * SEEN) throw new Error(`the reader sees ${total} studies only`);
  await new Lookup(database, new RecentStudies(noChanges)).demand(policy, 'studies:read', {
    study: StudyUid.parse('1.2.7'),
  });
  await new Searches(database).run(policy, { level: 'series', ...search });
  const names = ['permission', 'study list', 'may read this study', 'series list'];
  const touched: Touched[] = [];
  let settings: string[] = [];
  for (const one of asked) {
    if (one.query.startsWith('set local')) settings.push(one.query);
    else {
      touched.push({
        question: names[touched.length] ?? one.query,
        ...(await explain(owner, settings, one)),
      });
      settings = [];
    }
  }
  return touched;
}

/** The cost of the query with the settings of the gateway. */
async function explain(sql: postgres.Sql, settings: readonly string[], { query, params }: Asked) {
  return sql.begin(async (tx) => {
    for (const setting of settings) await tx.unsafe(setting);
    const text = `explain (analyze, buffers, format json) ${query}`;
    // At the second run, the session has cached the metadata of the tables.
    await tx.unsafe(text, params);
    const [answer] = Explained.parse(await tx.unsafe(text, params));
    const plan = answer?.['QUERY PLAN'][0]?.Plan;
    if (plan === undefined) throw new Error('no plan');
    return { buffers: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'], whole: wholeIn(plan) };
  });
}

function wholeIn(node: z.output<typeof Node>): string[] {
  const own = node['Node Type'] === 'Seq Scan' ? [node['Relation Name'] ?? '?'] : [];
  return [...own, ...node.Plans.flatMap((plan) => wholeIn(Node.parse(plan)))];
}
