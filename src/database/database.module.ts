import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { Queue } from './queue.js';

/** The gateway's database as drizzle sees it: `@Inject(DATABASE) database: Database`. */
export const DATABASE = Symbol('DATABASE');
/** The same connections without drizzle, for locks and notifications. */
export const POSTGRES = Symbol('POSTGRES');

export type Database = PostgresJsDatabase;
/** What a transaction of {@link Database} hands to its function. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

const CONNECTIONS = 16;
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
      useFactory: (env: Env): postgres.Sql =>
        postgres(env.DATABASE_URL, {
          max: CONNECTIONS,
          connect_timeout: CONNECT_SECONDS,
          // An absent server must be told at once (503), not waited for with growing pauses.
          backoff: () => 0.2,
          onnotice: () => undefined,
          connection: { application_name: 'radgate', statement_timeout: STATEMENT_MS, ...PLANNING },
        }),
    },
    {
      provide: DATABASE,
      inject: [POSTGRES],
      useFactory: (sql: postgres.Sql): Database => drizzle(sql),
    },
  ],
  exports: [DATABASE, POSTGRES, Queue],
})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(@Inject(POSTGRES) private readonly sql: postgres.Sql) {}

  async onApplicationShutdown(): Promise<void> {
    await this.sql.end({ timeout: 5 });
  }
}
