import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FrequentTexts, preparing } from '../../src/database/prepared.statements.js';
import { createDatabase, type TestDatabase } from '../support/neighbours.ts';

let database: TestDatabase;
let client: postgres.Sql;
beforeAll(async () => {
  database = await createDatabase();
  client = postgres(database.appUrl, { max: 1, onnotice: () => undefined });
});
afterAll(async () => {
  await client?.end();
  await database?.drop();
});

it('a statement is prepared from its fifth use on, also in a transaction and in a savepoint', async () => {
  const db = drizzle(preparing(client));
  const prepared = async (mark: string) => {
    const rows =
      await client`select statement from pg_prepared_statements where statement like ${`%${mark}%`}`;
    return rows.filter(({ statement }) => !String(statement).includes('pg_prepared')).length;
  };
  for (let use = 1; use <= 6; use += 1) {
    const [row] = await db.execute(sql`select ${use}::int as plain_use`);
    expect(row).toEqual({ plain_use: use });
    expect(await prepared('as plain_use')).toBe(use < 5 ? 0 : 1);
  }
  for (let use = 1; use <= 6; use += 1)
    await db.transaction(async (tx) => {
      await tx.execute(sql`select ${use}::int as use_in_transaction`);
      await tx.transaction((inner) => inner.execute(sql`select ${use}::int as use_in_savepoint`));
    });
  expect([await prepared('as use_in_transaction'), await prepared('as use_in_savepoint')]).toEqual([1, 1]);
});

it('a statement without values, and the statements of another client, stay as they are', async () => {
  const db = drizzle(preparing(client));
  for (let use = 0; use < 6; use += 1) {
    await db.execute(sql`select 1 as no_values`);
    await client.unsafe('select $1::int as of_the_driver', [1]);
  }
  const rows = await client`select statement from pg_prepared_statements`;
  const texts = rows.map(({ statement }) => String(statement));
  expect(texts.filter((text) => /as no_values|as of_the_driver/.test(text))).toEqual([]);
});

it('long texts and texts beyond the largest number are never prepared', () => {
  const texts = new FrequentTexts();
  const uses = (text: string, count: number) =>
    Array.from({ length: count }, () => texts.includes(text)).at(-1);
  expect(uses('x'.repeat(6_001), 10)).toBe(false);
  for (let number = 0; number < 256; number += 1) expect(uses(`text ${number}`, 5)).toBe(true);
  expect(uses('one more', 10)).toBe(false);
  expect(uses('text 0', 1)).toBe(true);
});
