import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { audit } from '../database/schema.audit.js';
import { NeighbourAway } from '../problems/errors.js';

/** A row of the audit as it is written; times and transaction ids are the database's own. */
export type AuditRow = typeof audit.$inferInsert;

/** Who did it and from where, as plain values: the audit knows no other folder's types. */
export interface Actor {
  readonly accountId: string;
  readonly accountName: string;
  readonly via: string;
  readonly address: string;
  /** The user agent, cut to 200 characters. */
  readonly client: string;
  readonly requestId: string;
}

/** Appends rows to the audit. A row that cannot be written is `NeighbourAway`, and the caller's answer must not leave then. */
@Injectable()
export class AuditLog {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Commits the rows before it returns. */
  append(...rows: readonly [AuditRow, ...AuditRow[]]): Promise<void> {
    return this.appendWithin(this.database, ...rows);
  }

  /** Writes the rows with what else the transaction does; they are there when it commits. */
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
