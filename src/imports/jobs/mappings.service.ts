import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { and, desc, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type AuditedAction, AuditedActions } from '../../audit/audited.actions.js';
import { matching, orderOf } from '../../http/list.query.js';
import type { ListQuery } from '../../http/query.pipe.js';
import { DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { mappings } from '../../database/schema.records.js';
import { documentHash, MappingDocument } from '../../mapping/mapping.document.js';
import { SHIPPED_MAPPINGS } from '../../mapping/defaults.js';
import { availableNames } from '../../problems/available.js';
import { BadField, Conflict, NotVisible } from '../../problems/errors.js';

const CACHE_SIZE = 100;
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

/** The stored versions of mapping documents. A version never changes, and an import keeps the version that it started with. */
@Injectable()
export class Mappings implements OnApplicationBootstrap {
  private readonly cache = new Map<string, StoredMapping>();

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly auditedActions: AuditedActions,
  ) {}

  /** Stores the shipped mapping documents that are missing. */
  async onApplicationBootstrap(): Promise<void> {
    for (const document of SHIPPED_MAPPINGS)
      await this.database
        .insert(mappings)
        .values({ name: document.name, version: document.version, document })
        .onConflictDoNothing();
  }

  /** A page of mapping documents, newest versions first. */
  async list(query: ListQuery): Promise<{ items: StoredMapping[]; total: number }> {
    const condition = matching(query, mappings.name);
    const [order] = orderOf(query, ORDERS, mappings.id);
    const rows = await this.database
      .select()
      .from(mappings)
      .where(condition)
      .orderBy(...(order === undefined ? [] : [order]), mappings.name, desc(mappings.version))
      .limit(query.limit)
      .offset(query.offset);
    return { items: rows.map(storedOf), total: await this.database.$count(mappings, condition) };
  }

  /** Stores the next version of a mapping document. Throws Conflict when the version number is not the next number. */
  async add(action: AuditedAction, document: MappingDocument, accountId: string): Promise<StoredMapping> {
    const { name, version } = document;
    action.addFacts({ detail: { name, version } });
    return this.auditedActions.record(action, 201, (transaction) =>
      insertNext(transaction, document, accountId),
    );
  }

  /** Finds the mapping document `name` (its newest version) or `name@version`. Throws BadField when the document does not exist. */
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

  /** The newest version of each mapping, as `name@version`. */
  private async names(): Promise<string[]> {
    const newest = sql<number>`max(${mappings.version})::int`;
    const rows = await this.database
      .select({ name: mappings.name, version: newest })
      .from(mappings)
      .groupBy(mappings.name)
      .orderBy(mappings.name);
    return rows.map(({ name, version }) => `${name}@${version}`);
  }

  /** The mapping document of an import. Throws an Error when the mapping was not chosen yet. */
  ofImport({ mapping }: { readonly mapping: string | null }): Promise<StoredMapping> {
    if (mapping === null) throw new Error('The mapping of the import was not chosen yet.');
    return this.byId(mapping);
  }

  /** The newest version of each mapping document, sorted by name. */
  async newest(): Promise<StoredMapping[]> {
    const rows = await this.database
      .selectDistinctOn([mappings.name])
      .from(mappings)
      .orderBy(mappings.name, desc(mappings.version));
    return rows.map(storedOf);
  }

  /** A mapping document by id, cached in memory. Throws NotVisible when the document does not exist. */
  async byId(id: string): Promise<StoredMapping> {
    const known = this.cache.get(id);
    if (known !== undefined) return known;
    const [row] = await this.database.select().from(mappings).where(eq(mappings.id, id));
    if (row === undefined) throw new NotVisible();
    const mapping = storedOf(row);
    if (this.cache.size >= CACHE_SIZE) this.cache.clear();
    this.cache.set(id, mapping);
    return mapping;
  }
}

/**
 * Stores a mapping document as the next version, within the caller's transaction. A document that is stored already is returned. Throws
 * Conflict when the version number is not the next number.
 */
export async function storeDocument(
  transaction: Transaction,
  document: MappingDocument,
  createdBy: string,
): Promise<StoredMapping> {
  const { name, version } = document;
  const [row] = await transaction
    .select()
    .from(mappings)
    .where(and(eq(mappings.name, name), eq(mappings.version, version)));
  const stored = row === undefined ? undefined : storedOf(row);
  const isSame = stored !== undefined && documentHash(stored.document) === documentHash(document);
  return isSame ? stored : insertNext(transaction, document, createdBy);
}

async function insertNext(
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
      `Stored versions cannot change. Use ${expected}, the next version of this mapping.`,
    );
  const [row] = await transaction
    .insert(mappings)
    .values({ name: document.name, version: document.version, document, createdBy })
    .onConflictDoNothing()
    .returning();
  if (row === undefined)
    throw new Conflict(
      'mapping-version-conflict',
      'Another request stored this version first. Read the mapping again and use the next version.',
    );
  return storedOf(row);
}

function storedOf(row: typeof mappings.$inferSelect): StoredMapping {
  const { id, name, version, createdAt } = row;
  const document = MappingDocument.parse(row.document);
  return { id, name, version, document, created_at: createdAt.toISOString() };
}
