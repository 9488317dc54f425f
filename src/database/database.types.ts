import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';

export type Database = PostgresJsDatabase;
/** The argument of the function that is passed to {@link Database}'s `transaction`. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
