import { Inject, Injectable } from '@nestjs/common';
import { and, eq, gt, isNotNull, sql } from 'drizzle-orm';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { accounts } from '../database/schema.access.js';
import { audit } from '../database/schema.audit.js';
import type { Uploader } from './parent.resolution.js';

/** Finds the sender of instances that are already in the archive. */
@Injectable()
export class Uploaders {
  constructor(
    @Inject(ENV) private readonly env: Env,
    @Inject(DATABASE) private readonly database: Database,
  ) {}

  /** The account of an interrupted upload, else the machine account with the name of the calling AE title. It determines issuer and institution. */
  async of(aet: string | undefined, accountId?: string): Promise<Uploader> {
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
      // The archive has accepted the instance already.
      permits: () => true,
      sees: () => true,
    };
  }

  /**
   * The only account that has stored into a study by STOW, according to the audit. `undefined` when there is none or more than one. Only
   * requests for a single study are considered, because the audit has an index for these.
   */
  async soleUploaderOf(studyUid: string): Promise<string | undefined> {
    const rows = await this.database
      .selectDistinct({ accountId: audit.accountId })
      .from(audit)
      .where(
        and(
          eq(audit.studyUid, studyUid),
          sql`starts_with(${audit.action}, 'POST /dicom-web/studies')`,
          gt(audit.instances, 0),
          isNotNull(audit.accountId),
        ),
      )
      .limit(2);
    const [first] = rows;
    return rows.length === 1 ? (first?.accountId ?? undefined) : undefined;
  }
}
