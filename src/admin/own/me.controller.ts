import { Controller, Get, Header, Inject } from '@nestjs/common';
import { asc, eq } from 'drizzle-orm';
import { z } from 'zod';
import { Gives } from '../../http/response.shape.js';
import { AnyAccount, Who } from '../../authn/access.decorators.js';
import type { Account } from '../../authn/account.js';
import { Policies } from '../../authz/policies.service.js';
import { Right, RIGHTS } from '../../authz/rights.js';
import { holds } from '../../authz/policy.js';
import { DATABASE, type Database } from '../../database/database.module.js';
import { accounts, groups, memberships } from '../../database/schema.access.js';
import { KnownPatient } from '../fields.js';

/** The account of the caller. `rights` are the rights that the account has in any scope. */
const Me = z.object({
  account: z.object({
    id: z.uuid(),
    kind: z.enum(['person', 'machine']),
    name: z.string(),
    display_name: z.string(),
  }),
  groups: z.array(z.object({ id: z.uuid(), name: z.string() })),
  rights: z.array(Right),
  patient: KnownPatient.nullable(),
});
type Me = z.output<typeof Me>;

@Controller('api/me')
@AnyAccount()
export class MeController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly policies: Policies,
  ) {}

  /** Returns the account, groups, rights and linked patient of the caller. */
  @Get()
  @Gives(Me)
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
