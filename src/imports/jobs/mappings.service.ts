import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { and, desc, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type AuditedAction, AuditedActions } from '../../audit/audited.actions.js';
import { matching, orderOf } from '../../http/list.query.js';
import type { ListQuery } from '../../http/query.pipe.js';
import { DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { mappings } from '../../database/schema.records.js';
import { MappingDocument } from '../../mapping/mapping.document.js';
import { SHIPPED_MAPPINGS } from '../../mapping/defaults.js';
import { availableNames } from '../../problems/available.js';
import { BadField, Conflict, NotVisible } from '../../problems/errors.js';

const MOST_KEPT = 100;
const ORDERS = [
  ['name', mappings.name],
  ['version', mappings.version],
  ['created_at', mappings.createdAt],
] as const;

/** A stored version of a mapping document. */
export const StoredMapping = z.object({
  id: z.uuid(),
  name: z.string(),
  version: z.int(),
  document: MappingDocument,
  created_at: z.iso.datetime(),
});
export type StoredMapping = z.output<typeof StoredMapping>;

/** Versions of mapping documents. A version never changes; an import keeps the one it was made with. */
@Injectable()
export class Mappings implements OnApplicationBootstrap {
  private readonly read = new Map<string, StoredMapping>();

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly auditedActions: AuditedActions,
  ) {}

  /** What is shipped is stored where it is not yet. */
  async onApplicationBootstrap(): Promise<void> {
    for (const document of SHIPPED_MAPPINGS)
      await this.database
        .insert(mappings)
        .values({ name: document.name, version: document.version, document })
        .onConflictDoNothing();
  }

  /** Newest versions first. */
  async list(query: ListQuery): Promise<{ items: StoredMapping[]; total: number }> {
    const sought = matching(query, mappings.name);
    const [order] = orderOf(query, ORDERS, mappings.id);
    const rows = await this.database
      .select()
      .from(mappings)
      .where(sought)
      .orderBy(...(order === undefined ? [] : [order]), mappings.name, desc(mappings.version))
      .limit(query.limit)
      .offset(query.offset);
    return { items: rows.map(storedOf), total: await this.database.$count(mappings, sought) };
  }

  /** Stores the next version of a name; Conflict when another version was stored meanwhile. */
  async add(action: AuditedAction, document: MappingDocument, accountId: string): Promise<StoredMapping> {
    const { name, version } = document;
    action.addFacts({ detail: { name, version } });
    return this.auditedActions.record(action, 201, (transaction) => next(transaction, document, accountId));
  }

  /** `name` (its newest version) or `name@version`; BadField('mapping') when there is none. */
  async named(text: string): Promise<StoredMapping> {
    const [name = '', version] = text.split('@');
    const [row] = await this.database
      .select()
      .from(mappings)
      .where(
        and(
          eq(mappings.name, name),
          version === undefined ? undefined : eq(mappings.version, Number(version)),
        ),
      )
      .orderBy(desc(mappings.version))
      .limit(1);
    if (row === undefined)
      throw new BadField(
        'unknown-mapping',
        'mapping',
        `Unknown mapping '${text}'. ${availableNames(await this.names())}`,
      );
    return storedOf(row);
  }

  /** Every mapping as an upload names it, with its newest version. */
  private async names(): Promise<string[]> {
    const newest = sql<number>`max(${mappings.version})::int`;
    const rows = await this.database
      .select({ name: mappings.name, version: newest })
      .from(mappings)
      .groupBy(mappings.name)
      .orderBy(mappings.name);
    return rows.map(({ name, version }) => `${name}@${version}`);
  }

  /** NotVisible when there is none. A stored version never changes, so what was read once is kept. */
  async byId(id: string): Promise<StoredMapping> {
    const known = this.read.get(id);
    if (known !== undefined) return known;
    const [row] = await this.database.select().from(mappings).where(eq(mappings.id, id));
    if (row === undefined) throw new NotVisible();
    const mapping = storedOf(row);
    if (this.read.size >= MOST_KEPT) this.read.clear();
    this.read.set(id, mapping);
    return mapping;
  }
}

async function next(
  transaction: Transaction,
  document: MappingDocument,
  createdBy: string,
): Promise<StoredMapping> {
  const [newest] = await transaction
    .select({ version: sql<number>`coalesce(max(${mappings.version}), 0)::int` })
    .from(mappings)
    .where(eq(mappings.name, document.name));
  const expected = (newest?.version ?? 0) + 1;
  if (document.version !== expected)
    throw new Conflict(
      'mapping-version-conflict',
      `The next version of this mapping is ${expected}; stored versions do not change.`,
    );
  const [row] = await transaction
    .insert(mappings)
    .values({ name: document.name, version: document.version, document, createdBy })
    .onConflictDoNothing()
    .returning();
  if (row === undefined)
    throw new Conflict('mapping-version-conflict', 'This version was stored by somebody else meanwhile.');
  return storedOf(row);
}

function storedOf(row: typeof mappings.$inferSelect): StoredMapping {
  const { id, name, version, createdAt } = row;
  const document = MappingDocument.parse(row.document);
  return { id, name, version, document, created_at: createdAt.toISOString() };
}
