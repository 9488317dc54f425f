import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { z } from 'zod';
import type { Policy } from '../../src/authz/policy.js';
import type { Scope } from '../../src/authz/scopes.js';
import { attributesAt, Searches } from '../../src/catalog/search.service.js';
import type { CatalogAttribute, Level } from '../../src/catalog/search.attributes.js';
import { PLANNING } from '../../src/database/database.module.js';
import { parseQidoQuery } from '../../src/dicomweb/qido/qido.query.js';
import { createDatabase, type TestDatabase } from '../support/neighbours.ts';

/** The cost of one search. */
interface Cost {
  readonly level: Level;
  readonly query: string;
  readonly found: number;
  readonly milliseconds: number;
  /** The number of rows that all steps of the plan returned in all loops. */
  readonly rows: number;
  /** The largest number of rows wider than {@link WIDE} that one step of the plan sorted or materialized. */
  readonly wide: number;
  /** The number of rows of the requested page. */
  readonly limit: number;
}

export const INSTANCES_EACH = 10;
/** The largest width in bytes of a row that contains only keys and sort values. */
const WIDE = 200;
/** Plan steps that sort or materialize rows. */
const KEEPING = new Set(['Sort', 'Incremental Sort', 'WindowAgg', 'CTE Scan', 'Materialize']);

const letters = 'abcdefghijklmnopqrstuvwxyz';
/** The pattern `*a*b*c…` with 64 characters. Names and descriptions contain all letters of the pattern, but in a different order. */
const wildcards = Array.from({ length: 32 }, (_, at) => `*${letters[at % 26]}`).join('');
const longPattern = `${'*a?'.repeat(85)}*`;
const marks = '?'.repeat(256);
const uids = Array.from({ length: 500 }, (_, at) => `1.2.${at}`).join(',');
const modalities = Array.from({ length: 100 }, (_, at) => `M${at}`).join('\\');
const modalityPatterns = Array.from({ length: 100 }, (_, at) => `*${letters[at % 26]}?*${at}`).join(',');

/** The most expensive legal values of a key, by kind of matching. */
function worstOf({ matching }: CatalogAttribute): readonly string[] {
  switch (matching) {
    case 'text':
    case 'folded':
    case 'item':
      return [wildcards, longPattern, marks];
    case 'name':
      return [wildcards, longPattern, `${wildcards}=${wildcards}=${wildcards}`];
    case 'set':
      return [modalities, modalityPatterns, marks];
    case 'uid':
      return [uids];
    case 'date':
      return ['00010101-99991231', '20240101'];
    case 'time':
      return ['000000-235960.999999', '10'];
    case 'number':
      return ['-999999999'];
  }
}

const fuzzy = (text: string) => `PatientName=${encodeURIComponent(text)}&fuzzymatching=true`;

/** Searches of one level: every key with each of its most expensive values, and the most expensive options. */
export function worstQueries(level: Level): string[] {
  const keys = attributesAt(level).flatMap((attribute) =>
    worstOf(attribute).map((value) => `${attribute.keyword}=${encodeURIComponent(value)}`),
  );
  const names = Array.from({ length: 30 }, (_, at) => `${letters.slice(at % 20, (at % 20) + 6)}x`);
  const everything = attributesAt(level)
    .filter(({ matching }) => ['text', 'folded', 'item', 'name'].includes(matching))
    .map(({ keyword }) => `${keyword}=${encodeURIComponent(wildcards)}`);
  return [
    ...keys,
    '',
    'limit=1000',
    'offset=999999999',
    'offset=9000&limit=1000',
    fuzzy(names.join(' ')),
    fuzzy('a'.repeat(256)),
    fuzzy(Array.from({ length: 85 }, (_, at) => `${letters[at % 26]}${letters[(at * 7) % 26]}`).join(' ')),
    everything.join('&'),
  ];
}

const everyone: Policy = {
  accountId: '00000000-0000-4000-8000-00000000000a',
  patient: undefined,
  grants: [{ rights: ['studies:read'], scope: { kind: 'all' } }],
};
/** The policy of a reader whose scopes must be checked for each study. This reader may see all studies too. */
const partly: Policy = {
  ...everyone,
  grants: [
    { rights: ['studies:read'], scope: { kind: 'modality', modality: 'CT' } },
    { rights: ['studies:read'], scope: { kind: 'modality', modality: 'MR' } },
  ],
};
export const POLICIES = { everyone, partly };

/** The number of studies of each reader in {@link SCOPES_OF_FEW}. */
export const FEW = 300;
const few = Array.from({ length: FEW }, (_, at) => at + 1);
/** Readers who may see the first {@link FEW} studies of {@link fillShort}, by scopes of one kind each. */
export const SCOPES_OF_FEW: Readonly<Record<string, readonly Scope[]>> = {
  institution: [{ kind: 'institution', institution: 'few' }],
  study: few.map((at) => ({ kind: 'study', study_uid: `1.2.${at}` })),
  patient: few.map((at) => ({ kind: 'patient', issuer: 'N', patient_id: `P${at}` })),
  modality: [{ kind: 'modality', modality: 'XA' }],
  'own-uploads': [{ kind: 'own-uploads' }],
};

/** The policy of a reader with these scopes. */
export function readerOf(scopes: readonly Scope[]): Policy {
  return { ...everyone, grants: scopes.map((scope) => ({ rights: ['studies:read'], scope })) };
}

/** Inserts studies with short values and no series. The first {@link FEW} studies are in {@link SCOPES_OF_FEW}. */
export async function fillShort(sql: postgres.Sql, studies: number): Promise<void> {
  await sql.unsafe(`
    insert into accounts (id, name, kind) select '${everyone.accountId}', 'few', 'machine';
    insert into patients (issuer, patient_id) select 'N', 'P' || n from generate_series(1, ${studies}) n;
    insert into studies (study_uid, patient, institution, study_date, study_time, image_modalities, modalities, series_count, instance_count,
        created_by)
      select '1.2.' || n, n, case when n <= ${FEW} then 'few' else 'many' end, to_char(date '2000-01-01' + n % 9000, 'YYYYMMDD'), '1500',
        array[case when n <= ${FEW} then 'XA' else 'CT' end], array['CT'], 1, 1,
        case when n <= ${FEW} then '${everyone.accountId}'::uuid end
      from generate_series(1, ${studies}) n;
    analyze`);
}

const Node = z.looseObject({
  'Node Type': z.string(),
  'Plan Width': z.number(),
  'Actual Rows': z.number(),
  'Actual Loops': z.number(),
  'Rows Removed by Filter': z.number().default(0),
  Plans: z.array(z.unknown()).default([]),
});
const Explained = z.array(z.object({ 'QUERY PLAN': z.array(z.object({ Plan: Node })) }));
const Params = z.array(z.union([z.string(), z.number(), z.array(z.string()), z.null()]));

/** A database of studies with long names and descriptions. The queries are those of the gateway. */
export class CostlyArchive {
  private constructor(
    private readonly database: TestDatabase,
    private readonly client: postgres.Sql,
    private readonly owner: postgres.Sql,
  ) {}

  static async start(studies: number, fillTables = fill): Promise<CostlyArchive> {
    const database = await createDatabase();
    const owner = postgres(database.ownerUrl, { max: 1, onnotice: () => undefined, connection: PLANNING });
    await fillTables(owner, studies);
    const client = postgres(database.appUrl, { max: 1, connection: PLANNING });
    return new CostlyArchive(database, client, owner);
  }

  /** The cost of a search at its second run, when the session has cached the metadata of the tables. */
  async cost(policy: Policy, level: Level, query: string): Promise<Cost> {
    const asked: { query: string; params: unknown[] }[] = [];
    const logQuery = (text: string, params: unknown[]) => void asked.push({ query: text, params });
    const searches = new Searches(drizzle(this.client, { logger: { logQuery } }));
    const { search } = parseQidoQuery(query, level, 'root');
    await searches.run(policy, search);
    asked.length = 0;
    const began = performance.now();
    const { total } = await searches.run(policy, search);
    const milliseconds = performance.now() - began;
    const plan = await this.planOf(asked);
    return {
      level,
      query,
      found: total,
      milliseconds,
      rows: rowsIn(plan),
      wide: wideIn(plan),
      limit: search.limit,
    };
  }

  /** The duration of a search in milliseconds, or the median duration of three runs if the first run takes longer than `slow`. */
  async time(policy: Policy, level: Level, query: string, slow: number): Promise<number> {
    const searches = new Searches(drizzle(this.client));
    const { search } = parseQidoQuery(query, level, 'root');
    const took: number[] = [];
    do {
      const began = performance.now();
      await searches.run(policy, search);
      took.push(performance.now() - began);
    } while (took.length < 3 && Math.max(...took) > slow);
    return took.toSorted((a, b) => a - b)[Math.floor(took.length / 2)] ?? NaN;
  }

  /** Runs a statement as the owner of the tables. */
  change(text: string): Promise<unknown> {
    return this.owner.unsafe(text);
  }

  private planOf(asked: readonly { query: string; params: unknown[] }[]): Promise<unknown> {
    return this.owner.begin(async (tx) => {
      let plan: unknown;
      for (const { query, params } of asked) {
        if (!query.includes('with found')) await tx.unsafe(query, Params.parse(params));
        else {
          const text = `explain (analyze, timing off, format json) ${query}`;
          const [answer] = Explained.parse(await tx.unsafe(text, Params.parse(params)));
          plan = answer?.['QUERY PLAN'][0]?.Plan;
        }
      }
      return plan;
    });
  }

  async stop(): Promise<void> {
    await this.client.end();
    await this.owner.end();
    await this.database.drop();
  }
}

function rowsIn(plan: unknown): number {
  const node = Node.parse(plan);
  const own = (node['Actual Rows'] + node['Rows Removed by Filter']) * node['Actual Loops'];
  return node.Plans.reduce<number>((sum, inner) => sum + rowsIn(inner), own);
}

/** The largest number of rows wider than {@link WIDE} that one step sorts or materializes. */
function wideIn(plan: unknown): number {
  const node = Node.parse(plan);
  const inner = node.Plans.map((one) => Node.parse(one));
  const own = KEEPING.has(node['Node Type']) && node['Plan Width'] > WIDE;
  const taken = inner.length === 0 ? [node['Actual Rows']] : inner.map((one) => one['Actual Rows']);
  return Math.max(own ? Math.max(...taken) : 0, ...inner.map(wideIn));
}

/** Inserts studies with ten instances each. The names have three groups of 64 letters, the longest legal length. */
async function fill(sql: postgres.Sql, studies: number): Promise<void> {
  const word = `(select string_agg(substr('${letters}', 1 + (n * at * 7 + at) % 26, 1), '' order by at) from generate_series(1, 64) at)`;
  await sql.unsafe(`
    insert into patients (issuer, patient_id) select 'N', substr(md5(n::text) || md5(n::text), 1, 64) from generate_series(1, ${studies}) n;
    insert into studies (study_uid, patient, institution, study_date, study_time, patient_name, patient_name_key, study_description,
        study_description_key, referring_physician, referring_physician_key, accession_number, study_id, patient_birth_date, patient_sex,
        image_modalities, modalities, series_count, instance_count)
      select '1.2.' || n, n, w, to_char(date '2000-01-01' + n % 9000, 'YYYYMMDD'), lpad((n % 24)::text, 2, '0') || '1500', w || '=' || w || '=' || w,
        w || '=' || w || '=' || w, w, w, w || '=' || w || '=' || w, w || '=' || w || '=' || w, left(w, 16), left(w, 16), '19500101', 'F',
        array[(array['CT', 'MR'])[n % 2 + 1]], array['SR', (array['CT', 'MR'])[n % 2 + 1]], 1, ${INSTANCES_EACH}
      from generate_series(1, ${studies}) n, lateral (select ${word} as w) words;
    insert into series (series_uid, study, modality, series_number, series_description, series_description_key, series_date, series_time,
        body_part, protocol_name, request_steps, request_procedures, instance_count)
      select '1.3.' || s.id, s.id, s.modalities[2], 1, s.study_description, s.study_description_key, s.study_date, s.study_time, 'HEAD',
        s.study_description, array[s.accession_number, s.study_id], array[s.study_id, s.accession_number], ${INSTANCES_EACH} from studies s;
    insert into instances (sop_uid, series, sop_class_uid, transfer_syntax, instance_number, orthanc_id)
      select '1.4.' || n, n % ${studies} + 1, '1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.1.2.1', n / ${studies},
        'a0000000-b0000000-c0000000-d0000000-' || lpad(n::text, 8, '0')
      from generate_series(1, ${studies * INSTANCES_EACH}) n;
    analyze`);
}
