import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { Changes } from './changes.js';
import type { Database } from './database.types.js';
import { preparing } from './prepared.statements.js';
import { Queue } from './queue.js';

export type { Database, Transaction } from './database.types.js';

/** Injection token of the connections for requests, with drizzle: `@Inject(DATABASE) database: Database`. */
export const DATABASE = Symbol('DATABASE');
/** Injection token of the same connections as {@link DATABASE}, but without drizzle. Used for notifications and probes. */
export const POSTGRES = Symbol('POSTGRES');
/**
 * Injection token of the connections for background work, with drizzle. Background work means import jobs and the synchronisation with the
 * archive.
 */
export const BACKGROUND_DATABASE = Symbol('BACKGROUND_DATABASE');
/**
 * Injection token of the same connections as {@link BACKGROUND_DATABASE}, but without drizzle. A lock may occupy one of these connections
 * during a call to Orthanc or HAPI FHIR.
 */
export const BACKGROUND_POSTGRES = Symbol('BACKGROUND_POSTGRES');

/** Searches use at most 10 of these connections (`search.service.ts`), so the other 6 are free for sign-ins and short statements. */
const REQUEST_CONNECTIONS = 16;
/**
 * Locks occupy at most 10 connections (four bundles, a Provenance, an inspection, a rerun, two of an undo, the watcher). Long transactions
 * occupy at most 5 more (inspection, rerun, retention, sealer, check of the audit). The work that occupies these 15 connections may need
 * another connection to continue, so the pool must be larger than 15.
 */
const BACKGROUND_CONNECTIONS = 16;
const CONNECT_SECONDS = 3;
/** PostgreSQL cancels a statement after this time. A statement that takes longer is a defect. */
const STATEMENT_MS = 15_000;

/**
 * On flash storage, random reads cost about as much as sequential reads. With the default of 4, PostgreSQL would scan whole tables. A
 * prepared statement is planned for its values each time, because a plan from the time when a table was empty would scan the full table.
 */
export const PLANNING = { random_page_cost: 1.1, plan_cache_mode: 'force_custom_plan' };

@Global()
@Module({
  providers: [
    Queue,
    {
      provide: POSTGRES,
      inject: [ENV],
      useFactory: (env: Env): postgres.Sql => connect(env, 'radgate', REQUEST_CONNECTIONS),
    },
    {
      provide: DATABASE,
      inject: [POSTGRES],
      useFactory: (sql: postgres.Sql): Database => drizzle(preparing(sql)),
    },
    {
      provide: Changes,
      inject: [POSTGRES, HttpAdapterHost],
      useFactory: (sql: postgres.Sql, adapter: HttpAdapterHost): Changes => new Changes(sql, adapter),
    },
    {
      provide: BACKGROUND_POSTGRES,
      inject: [ENV],
      useFactory: (env: Env): postgres.Sql => connect(env, 'radgate background', BACKGROUND_CONNECTIONS),
    },
    {
      provide: BACKGROUND_DATABASE,
      inject: [BACKGROUND_POSTGRES],
      useFactory: (sql: postgres.Sql): Database => drizzle(preparing(sql)),
    },
  ],
  exports: [DATABASE, POSTGRES, BACKGROUND_DATABASE, BACKGROUND_POSTGRES, Changes, Queue],
})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(
    @Inject(POSTGRES) private readonly sql: postgres.Sql,
    @Inject(BACKGROUND_POSTGRES) private readonly background: postgres.Sql,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.sql.end({ timeout: 5 }), this.background.end({ timeout: 5 })]);
  }
}

/** Creates a pool of at most `max` connections, which are opened when they are needed. */
function connect(env: Env, name: string, max: number): postgres.Sql {
  return postgres(env.DATABASE_URL, {
    max,
    connect_timeout: CONNECT_SECONDS,
    // The driver retries the connection after a short, constant delay. If the server is unreachable, requests therefore fail quickly with
    // 503.
    backoff: () => 0.2,
    onnotice: () => undefined,
    connection: { application_name: name, statement_timeout: STATEMENT_MS, ...PLANNING },
  });
}
