import { Inject, Injectable } from '@nestjs/common';
import { and, eq, gt, isNotNull, sql } from 'drizzle-orm';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { accounts } from '../database/schema.access.js';
import { audit } from '../database/schema.audit.js';
import type { Uploader } from './parent.resolution.js';

/** Who brought what the archive holds already. */
@Injectable()
export class Uploaders {
  constructor(
    @Inject(ENV) private readonly env: Env,
    @Inject(DATABASE) private readonly database: Database,
  ) {}

  /** The account of an interrupted STOW, else the machine account named like the calling AET: it gives issuer and institution. */
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
      // It is in the archive already; whoever let it in there decided.
      permits: () => true,
      sees: () => true,
    };
  }

  /**
   * The one account that the audit knows to have stored into a study by STOW; `undefined` when that are none or several. Only requests
   * of one study are asked, which are those that the audit has an index for.
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
