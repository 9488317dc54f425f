import { Controller, Get, Header, Inject } from '@nestjs/common';
import { asc, eq } from 'drizzle-orm';
import { AnyAccount, Who } from '../authn/access.decorators.js';
import type { Account } from '../authn/account.js';
import { Policies } from '../authz/policies.service.js';
import { type Right, RIGHTS } from '../authz/rights.js';
import { holds } from '../authz/policy.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { accounts, groups, memberships } from '../database/schema.access.js';
import type { PatientKey } from './fields.js';

/** What an account may know about itself. `rights` are those held in any scope. */
export interface Me {
  readonly account: {
    readonly id: string;
    readonly kind: Account['kind'];
    readonly name: string;
    readonly display_name: string;
  };
  readonly groups: readonly { readonly id: string; readonly name: string }[];
  readonly rights: readonly Right[];
  readonly patient: PatientKey | null;
}

@Controller('api/me')
@AnyAccount()
export class MeController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly policies: Policies,
  ) {}

  /** The account behind the request, its groups, rights and linked patient. */
  @Get()
  @Header('cache-control', 'no-store')
  async get(@Who() account: Account): Promise<Me> {
    const [row] = await this.database
      .select({ displayName: accounts.displayName })
      .from(accounts)
      .where(eq(accounts.id, account.id));
    const policy = await this.policies.of(account);
    const { id, kind, name, patient } = account;
    return {
      account: { id, kind, name, display_name: row?.displayName ?? '' },
      groups: await this.database
        .select({ id: groups.id, name: groups.name })
        .from(groups)
        .innerJoin(memberships, eq(memberships.groupId, groups.id))
        .where(eq(memberships.accountId, id))
        .orderBy(asc(groups.name)),
      rights: RIGHTS.filter((right) => holds(policy, right)),
      patient: patient === undefined ? null : { issuer: patient.issuer, patient_id: patient.patientId },
    };
  }
}
