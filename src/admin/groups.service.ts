import { Inject, Injectable } from '@nestjs/common';
import { and, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { DATABASE, type Database } from '../database/database.module.js';
import { groups } from '../database/schema.access.js';
import { Conflict, NotVisible } from '../problems/errors.js';
import { Name, Words } from './fields.js';
import { LastAdministrator } from './last.administrator.js';
import { type ListQuery, matching, orderOf, type Page } from './list.query.js';
import { isTaken } from './refused.by.postgres.js';

/** A group: what holds grants, and whose members have them. */
export interface Group {
  readonly id: string;
  readonly name: string;
  readonly description: string;
}

export const NewGroup = z.strictObject({ name: Name, description: Words.default('') });
export type NewGroup = z.output<typeof NewGroup>;

export const GroupChange = z.strictObject({ name: Name.optional(), description: Words.optional() });
export type GroupChange = z.output<typeof GroupChange>;

type Row = typeof groups.$inferSelect;
const SORTABLE = [
  ['name', groups.name],
  ['description', groups.description],
] as const;

/** The groups. A missing one is NotVisible. */
@Injectable()
export class Groups {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly last: LastAdministrator,
  ) {}

  async list(query: ListQuery): Promise<Page<Group>> {
    const which = and(matching(query, groups.name, groups.description));
    const rows = await this.database
      .select()
      .from(groups)
      .where(which)
      .orderBy(...orderOf(query, SORTABLE, groups.id))
      .limit(query.limit)
      .offset(query.offset);
    return { items: rows.map(groupOf), total: await this.database.$count(groups, which) };
  }

  async get(id: string): Promise<Group> {
    const [row] = await this.database.select().from(groups).where(eq(groups.id, id));
    return found(row);
  }

  /** Conflict when the name is taken, in whatever case. */
  async create(group: NewGroup): Promise<Group> {
    const [row] = await this.database.insert(groups).values(group).onConflictDoNothing().returning();
    if (row === undefined) throw new Conflict('This name is taken.');
    return groupOf(row);
  }

  async change(id: string, { name, description }: GroupChange): Promise<Group> {
    const [row] = await this.database
      .update(groups)
      .set({ name: name ?? sql`${groups.name}`, description })
      .where(eq(groups.id, id))
      .returning()
      .catch((error: unknown) => {
        throw isTaken(error) ? new Conflict('This name is taken.') : error;
      });
    return found(row);
  }

  /** Its grants and memberships go with it. */
  async remove(id: string): Promise<void> {
    await this.last.keptBy(async (transaction) => {
      const [row] = await transaction.delete(groups).where(eq(groups.id, id)).returning();
      found(row);
    });
  }
}

function found(row: Row | undefined): Group {
  if (row === undefined) throw new NotVisible();
  return groupOf(row);
}

function groupOf({ id, name, description }: Row): Group {
  return { id, name, description };
}
