import { Readable } from 'node:stream';
import { Inject, Injectable, PayloadTooLargeException } from '@nestjs/common';
import { and, asc, count, eq, isNotNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type AuditedAction, AuditedActions } from '../audit/audited.actions.js';
import type { Account } from '../authn/account.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { codeMaps } from '../database/schema.records.js';
import { Slots } from '../limits/slots.js';
import { BadField, BadRequest, NotVisible, UnsupportedMedia } from '../problems/errors.js';
import { CodeMapReader, type MappedCode } from './code.map.reader.js';

/** A loaded map from ICD-10 to SNOMED CT, as the API shows it. */
export const CodeMap = z.object({
  id: z.uuid(),
  url: z.string(),
  version: z.string(),
  codes: z.int().describe('The number of ICD-10 codes in the map.'),
  usable: z.int().describe('The number of ICD-10 codes with exactly one best concept of SNOMED CT.'),
  left_out: z
    .int()
    .describe(
      'The number of targets that are not used, because they say more than the code or depend on other facts.',
    ),
  loaded_by: z.string(),
  loaded_at: z.iso.datetime(),
});
export type CodeMap = z.output<typeof CodeMap>;

/** The published map of SNOMED CT to ICD-10 has about 30 MB as a ConceptMap. */
const MOST_BYTES = 64 * 1024 ** 2;
const MOST_TARGETS = 500_000;
const MOST_MAPS = 20;
const BATCH = 1_000;
const PAUSE_MS = 20_000;

/** Loads ConceptMaps from ICD-10 to SNOMED CT. A map that is being loaded is not used until it is complete. */
@Injectable()
export class CodeMaps {
  private readonly slots = new Slots({ places: 1, perAccount: 1, queue: 2 });

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly auditedActions: AuditedActions,
  ) {}

  /** The maps that are used, sorted by URL. */
  async list(): Promise<CodeMap[]> {
    const rows = await this.database
      .select()
      .from(codeMaps)
      .where(isNotNull(codeMaps.activeSince))
      .orderBy(asc(codeMaps.url));
    return rows.map(codeMapOf);
  }

  /**
   * Loads a map. It replaces the map with the same URL. Throws BadField for an invalid map, UnsupportedMedia for another media type than
   * application/fhir+json, PayloadTooLargeException above 64 MiB, and TooMany while other maps are being loaded. `bytes` is the length that
   * the client has announced, or 0.
   */
  async load(
    action: AuditedAction,
    body: unknown,
    { type, bytes }: { readonly type: string; readonly bytes: number },
    account: Account,
  ): Promise<CodeMap> {
    if (!(body instanceof Readable) || !/^application\/fhir\+json\s*(?:;|$)/i.test(type))
      throw new UnsupportedMedia(
        'unsupported-media-type',
        'Unsupported media type. Send the ConceptMap as application/fhir+json.',
      );
    // Reading 64 MiB takes seconds, so a body that is known to be too large is not read.
    if (bytes > MOST_BYTES) throw new PayloadTooLargeException();
    return this.slots.run(() => this.read(action, body, account), undefined, account.id);
  }

  /** Deletes a map. Conditions that were written with the map are kept. Throws NotVisible when the map does not exist. */
  async remove(action: AuditedAction, id: string): Promise<void> {
    await this.auditedActions.record(action, 204, async (transaction) => {
      const gone = await transaction
        .delete(codeMaps)
        .where(and(eq(codeMaps.id, id), isNotNull(codeMaps.activeSince)))
        .returning();
      const [map] = gone;
      if (map === undefined) throw new NotVisible();
      action.addFacts({ detail: { url: map.url, version: map.version } });
    });
  }

  private async read(action: AuditedAction, body: Readable, account: Account): Promise<CodeMap> {
    // Loads that ended early, for example in a crash.
    await this.database.execute(
      sql`delete from code_maps where active_since is null and created_at < now() - interval '1 hour'`,
    );
    const [started] = await this.database
      .insert(codeMaps)
      .values({ url: '', version: '', loadedBy: account.name })
      .returning({ id: codeMaps.id });
    if (started === undefined) throw new Error('PostgreSQL returned no row for a new code map.');
    const { id } = started;
    try {
      const reader = new CodeMapReader();
      await this.store(id, body, reader);
      reader.end();
      return await this.activate(action, id, reader);
    } catch (error) {
      await this.database.delete(codeMaps).where(eq(codeMaps.id, id));
      throw error;
    }
  }

  private async store(id: string, body: Readable, reader: CodeMapReader): Promise<void> {
    let bytes = 0;
    let targets = 0;
    let batch: MappedCode[] = [];
    const pause = setTimeout(() => body.destroy(), PAUSE_MS);
    try {
      for await (const part of body.iterator({ destroyOnReturn: false })) {
        pause.refresh();
        if (!(part instanceof Uint8Array)) continue;
        bytes += part.length;
        if (bytes > MOST_BYTES) throw new PayloadTooLargeException();
        for (const one of reader.write(part)) batch.push(one);
        if (batch.length < BATCH) continue;
        targets += batch.length;
        if (targets > MOST_TARGETS)
          throw new BadField(
            'invalid-field',
            'group',
            'The ConceptMap has more than 500,000 targets. Split it.',
          );
        await this.insert(id, batch);
        batch = [];
      }
    } catch (error) {
      // The client stopped sending.
      if (body.destroyed && !body.readableEnded)
        throw new BadRequest('incomplete-body', 'The client disconnected before the end of the body.');
      throw error;
    } finally {
      clearTimeout(pause);
    }
    await this.insert(id, batch);
  }

  private async insert(id: string, batch: readonly MappedCode[]): Promise<void> {
    for (let at = 0; at < batch.length; at += BATCH)
      await this.database.execute(sql`
        insert into code_map_targets (map, system, code, target, display, relation)
        select distinct on (code, system, target) ${id}::uuid, system, code, target, display, relation
        from jsonb_to_recordset(${JSON.stringify(batch.slice(at, at + BATCH))}::jsonb)
          as given (system text, code text, target text, display text, relation text)
        order by code, system, target, relation
        on conflict (code, system, map, target) do update
          set relation = least(code_map_targets.relation, excluded.relation)`);
  }

  /** Starts to use a map, in place of the earlier map with its URL. */
  private async activate(action: AuditedAction, id: string, reader: CodeMapReader): Promise<CodeMap> {
    const { url, version, leftOut } = reader;
    return this.auditedActions.record(action, 200, async (transaction) => {
      const [found] = await transaction.execute<{ codes: number; usable: number }>(sql`
        select count(*)::int as codes, count(*) filter (where same = 1 or (same = 0 and number = 1))::int as usable
        from (select count(*) as number, count(*) filter (where relation = 'same') as same
          from code_map_targets where map = ${id} group by system, code) each_code`);
      const { codes, usable } = found ?? { codes: 0, usable: 0 };
      if (codes === 0)
        throw new BadField(
          'invalid-field',
          'group',
          'The ConceptMap gives no concept that can be used. Only the equivalences equal, equivalent and wider are used.',
        );
      await transaction.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`code map ${url}`}, 0))`);
      await transaction.delete(codeMaps).where(and(eq(codeMaps.url, url), isNotNull(codeMaps.activeSince)));
      const [active] = await transaction
        .select({ number: count() })
        .from(codeMaps)
        .where(isNotNull(codeMaps.activeSince));
      if ((active?.number ?? 0) >= MOST_MAPS)
        throw new BadField('invalid-field', 'url', 'There are 20 maps already. Delete a map first.');
      const [map] = await transaction
        .update(codeMaps)
        .set({ url, version, codes, usable, leftOut, activeSince: new Date() })
        .where(eq(codeMaps.id, id))
        .returning();
      if (map === undefined) throw new NotVisible();
      action.addFacts({ detail: { url, version, codes, usable, left_out: leftOut } });
      return codeMapOf(map);
    });
  }
}

const codeMapOf = (row: typeof codeMaps.$inferSelect): CodeMap => ({
  id: row.id,
  url: row.url,
  version: row.version,
  codes: row.codes,
  usable: row.usable,
  left_out: row.leftOut,
  loaded_by: row.loadedBy,
  loaded_at: (row.activeSince ?? row.createdAt).toISOString(),
});
