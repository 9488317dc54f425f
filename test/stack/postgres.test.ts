import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { reserveAnyPort } from '../../infra/local/port.ts';
import { startPostgres, type Postgres } from '../../infra/local/postgres.ts';

let dir: string;
let port: number;
let server: Postgres;

beforeAll(async () => {
  // Other users cannot access this folder. The same is true for a home folder.
  dir = await mkdtemp(join(tmpdir(), 'radgate-postgres-'));
  port = await reserveAnyPort();
  server = await startPostgres({ dir, port });
});
afterAll(async () => {
  await server.stop();
  await rm(dir, { recursive: true });
});

const ask = async (url: string, query: string) => {
  const sql = postgres(url, { max: 1 });
  try {
    return [...(await sql.unsafe(query))];
  } finally {
    await sql.end();
  }
};

it('is UTF-8 and has the extensions that search needs', async () => {
  expect(await ask(server.ownerUrl, 'show server_encoding')).toEqual([{ server_encoding: 'UTF8' }]);
  await ask(server.ownerUrl, 'create extension pg_trgm; create extension unaccent');
  expect(await ask(server.appUrl, "select unaccent('Müller') as name")).toEqual([{ name: 'Muller' }]);
});

it('gives the gateway no right of its own', async () => {
  await ask(server.ownerUrl, 'create table kept (id int)');
  await expect(ask(server.appUrl, 'select * from kept')).rejects.toThrow('permission denied');
  await expect(ask(server.appUrl, 'create table mine (id int)')).rejects.toThrow('permission denied');
});

it('refuses a wrong password', async () => {
  const wrong = Object.assign(new URL(server.appUrl), { password: 'wrong' }).href;
  await expect(ask(wrong, 'select 1')).rejects.toThrow('password authentication failed');
});

it('keeps committed data after a kill -9, at the same address', async () => {
  await ask(server.ownerUrl, 'create table lasting as select 7 as n');
  server.kill();
  await server.exited;
  server = await startPostgres({ dir, port });
  expect(await ask(server.ownerUrl, 'select n from lasting')).toEqual([{ n: 7 }]);
});
