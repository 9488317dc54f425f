import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';

export type Database = PostgresJsDatabase;
/** The argument of the function that {@link Database}'s `transaction` runs. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
