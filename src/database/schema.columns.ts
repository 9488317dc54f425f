import { sql } from 'drizzle-orm';
import { bigint, customType, integer, text, timestamp, uuid } from 'drizzle-orm/pg-core';

export const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
export const timestampColumn = (name: string) => timestamp(name, { withTimezone: true });
export const createdAt = () => timestampColumn('created_at').notNull().defaultNow();
export const id = () => uuid('id').primaryKey().defaultRandom();
export const serial = () => bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity();
export const textColumn = (name: string) => text(name).notNull().default('');
export const textArray = (name: string) =>
  text(name)
    .array()
    .notNull()
    .default(sql`'{}'`);
export const countColumn = (name: string) => integer(name).notNull().default(0);
