import { Inject, Injectable } from '@nestjs/common';
import { and, eq } from 'drizzle-orm';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { accounts } from '../database/schema.access.js';
import type { Depositor } from './placing.js';

/** Who brought what the archive holds already. */
@Injectable()
export class Depositors {
  constructor(
    @Inject(ENV) private readonly env: Env,
    @Inject(DATABASE) private readonly database: Database,
  ) {}

  /** The account of an interrupted STOW, else the machine account named like the calling AET: it gives issuer and institution. */
  async of(aet: string | undefined, accountId?: string): Promise<Depositor> {
    const [account] = await this.database
      .select({ institution: accounts.institution, issuer: accounts.issuer })
      .from(accounts)
      .where(
        accountId === undefined
          ? and(eq(accounts.kind, 'machine'), eq(accounts.name, aet ?? ''))
          : eq(accounts.id, accountId),
      );
    return {
      accountId,
      institution: account?.institution ?? undefined,
      issuer: account?.issuer ?? undefined,
      defaultIssuer: this.env.DEFAULT_ISSUER,
      // It is in the archive already; whoever let it in there decided.
      permits: () => true,
      sees: () => true,
    };
  }
}
