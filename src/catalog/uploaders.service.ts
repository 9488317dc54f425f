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

  /**
   * Returns the sender of an instance. Uses the account of an interrupted upload if there is one, and otherwise the machine account that
   * has the calling AE title as its name. The account determines the issuer and the institution.
   */
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
      // The archive has already accepted the instance, so no permission is checked.
      permits: () => true,
      sees: () => true,
    };
  }

  /**
   * Returns the only account that has stored into a study by STOW, according to the audit. Returns `undefined` if there is no such account
   * or more than one. Considers only requests for a single study, because the audit has an index for these requests.
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
