import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { Queue } from './queue.js';

/** Connections that requests wait for, as drizzle sees them: `@Inject(DATABASE) database: Database`. */
export const DATABASE = Symbol('DATABASE');
/** The connections of {@link DATABASE} without drizzle, for notifications and probes. */
export const POSTGRES = Symbol('POSTGRES');
/** Connections of background work (import jobs, walks through the archive), as drizzle sees them. */
export const BACKGROUND_DATABASE = Symbol('BACKGROUND_DATABASE');
/** The connections of {@link BACKGROUND_DATABASE} without drizzle: a lock may keep one for as long as a neighbour takes to answer. */
export const BACKGROUND_POSTGRES = Symbol('BACKGROUND_POSTGRES');

export type Database = PostgresJsDatabase;
/** What a transaction of {@link Database} hands to its function. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

/** Searches take at most 10 of them (`search.service.ts`): a sign-in finds one of the rest. */
const REQUEST_CONNECTIONS = 16;
/**
 * Locks keep at most 8 (three chunks, an inspection, a rerun, two of an undo, the watcher), long transactions at most 4 more
 * (inspection, rerun, retention, sealer). Whoever keeps one may need another to go on: there must be more than all of these.
 */
const BACKGROUND_CONNECTIONS = 16;
const CONNECT_SECONDS = 3;
/** A statement that takes longer is a defect; nobody waits for it. */
const STATEMENT_MS = 15_000;

/** Reading here and there costs as much as reading on: what serves images is on flash. Postgres assumes four times, and reads whole tables. */
export const PLANNING = { random_page_cost: 1.1 };

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
      useFactory: (sql: postgres.Sql): Database => drizzle(sql),
    },
    {
      provide: BACKGROUND_POSTGRES,
      inject: [ENV],
      useFactory: (env: Env): postgres.Sql => connect(env, 'radgate background', BACKGROUND_CONNECTIONS),
    },
    {
      provide: BACKGROUND_DATABASE,
      inject: [BACKGROUND_POSTGRES],
      useFactory: (sql: postgres.Sql): Database => drizzle(sql),
    },
  ],
  exports: [DATABASE, POSTGRES, BACKGROUND_DATABASE, BACKGROUND_POSTGRES, Queue],
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

/** A pool of at most `max` connections, each made when it is first needed. */
function connect(env: Env, name: string, max: number): postgres.Sql {
  return postgres(env.DATABASE_URL, {
    max,
    connect_timeout: CONNECT_SECONDS,
    // An absent server must be told at once (503), not waited for with growing pauses.
    backoff: () => 0.2,
    onnotice: () => undefined,
    connection: { application_name: name, statement_timeout: STATEMENT_MS, ...PLANNING },
  });
}
