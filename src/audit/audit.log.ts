import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { audit } from '../database/schema.audit.js';
import { NeighbourAway } from '../problems/errors.js';

/** An audit row to write. The database sets the time and the transaction id of the row. */
export type AuditRow = typeof audit.$inferInsert;

/**
 * The account and the client program that send a request. The type has only plain values, so that the folder `audit` does not have to
 * import other folders.
 */
export interface Actor {
  readonly accountId: string;
  readonly accountName: string;
  readonly via: string;
  readonly address: string;
  /** The user agent, cut to 200 characters. */
  readonly client: string;
  readonly requestId: string;
}

/** Appends rows to the audit. Throws `NeighbourAway` if a row cannot be written. In this case, the caller must not send its response. */
@Injectable()
export class AuditLog {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Writes and commits the rows. */
  append(...rows: readonly [AuditRow, ...AuditRow[]]): Promise<void> {
    return this.appendWithin(this.database, ...rows);
  }

  /** Writes the rows within a transaction of the caller. */
  async appendWithin(
    within: Database | Transaction,
    ...rows: readonly [AuditRow, ...AuditRow[]]
  ): Promise<void> {
    try {
      await within.insert(audit).values([...rows]);
    } catch (error) {
      throw new NeighbourAway('postgres', { cause: error });
    }
  }
}
