import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import type { Database } from './database.types.js';
import { Queue } from './queue.js';

export type { Database, Transaction } from './database.types.js';

/** The connections of requests, with drizzle: `@Inject(DATABASE) database: Database`. */
export const DATABASE = Symbol('DATABASE');
/** The connections of {@link DATABASE} without drizzle, for notifications and probes. */
export const POSTGRES = Symbol('POSTGRES');
/** The connections of background work (import jobs, comparing the archive), with drizzle. */
export const BACKGROUND_DATABASE = Symbol('BACKGROUND_DATABASE');
/** The connections of {@link BACKGROUND_DATABASE} without drizzle. A lock may hold one while Orthanc or HAPI FHIR answers. */
export const BACKGROUND_POSTGRES = Symbol('BACKGROUND_POSTGRES');

/** Searches use at most 10 of them (`search.service.ts`), so a sign-in gets one of the others. */
const REQUEST_CONNECTIONS = 16;
/**
 * Locks hold at most 8 (three chunks, an inspection, a rerun, two of an undo, the watcher). Long transactions hold at most 4 more
 * (inspection, rerun, retention, sealer). The holder of one may need another to continue, so there must be more than all of these.
 */
const BACKGROUND_CONNECTIONS = 16;
const CONNECT_SECONDS = 3;
/** A statement that takes longer is a defect and is cancelled. */
const STATEMENT_MS = 15_000;

/** Random reads cost about as much as sequential ones on flash storage. The default of 4 makes PostgreSQL scan whole tables. */
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

/** A pool of at most `max` connections, which are opened on demand. */
function connect(env: Env, name: string, max: number): postgres.Sql {
  return postgres(env.DATABASE_URL, {
    max,
    connect_timeout: CONNECT_SECONDS,
    // Requests must fail at once (503) when the server is away, without growing pauses.
    backoff: () => 0.2,
    onnotice: () => undefined,
    connection: { application_name: name, statement_timeout: STATEMENT_MS, ...PLANNING },
  });
}
