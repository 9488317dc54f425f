import { Inject, Injectable } from '@nestjs/common';
import { and, eq, gt, inArray, isNull, or, sql } from 'drizzle-orm';
import { DATABASE, type Database } from '../../database/database.module.js';
import { accounts, apiKeys, sessions, tokenFamilies } from '../../database/schema.access.js';
import type { Account } from '../account.js';
import { isAdmitted } from '../keys/address.ranges.js';
import type { SignIn } from './sign.in.js';
import { SESSION_LIVES } from './sign.ins.js';

type Facts = Pick<Account, 'id' | 'patient'>;

const ACCOUNT = {
  id: accounts.id,
  patientIssuer: accounts.patientIssuer,
  patientId: accounts.patientId,
};

/** Finds the sign-ins that are still valid. At most four SQL statements are needed for any number of sign-ins. */
@Injectable()
export class ActiveSignIns {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Returns the given sign-ins that are still valid. The result maps each valid sign-in to the current facts about the account, which
   * policies need.
   */
  async among(signIns: readonly SignIn[]): Promise<ReadonlyMap<SignIn, Facts>> {
    const ids = (kind: SignIn['ends']['kind']) => [
      ...new Set(signIns.filter(({ ends }) => ends.kind === kind).map(({ ends }) => ends.id)),
    ];
    const found = new Map<string, Facts>();
    const ranges = new Map<string, readonly string[]>();
    const note = (kind: SignIn['ends']['kind'], rows: readonly (AccountRow & { by: string })[]) => {
      for (const { by, ...row } of rows) found.set(`${kind} ${by}`, factsOf(row));
    };
    const enabled = eq(accounts.disabled, false);
    const [families, browsers, keys, whole] = [ids('family'), ids('session'), ids('key'), ids('account')];
    if (families.length > 0)
      note(
        'family',
        await this.database
          .select({ ...ACCOUNT, by: tokenFamilies.id })
          .from(tokenFamilies)
          .innerJoin(accounts, eq(accounts.id, tokenFamilies.accountId))
          .where(and(inArray(tokenFamilies.id, families), isNull(tokenFamilies.revokedAt), enabled)),
      );
    if (browsers.length > 0)
      note(
        'session',
        await this.database
          .select({ ...ACCOUNT, by: sessions.id })
          .from(sessions)
          .innerJoin(accounts, eq(accounts.id, sessions.accountId))
          .where(and(inArray(sessions.id, browsers), SESSION_LIVES, enabled)),
      );
    if (keys.length > 0) {
      const rows = await this.database
        .select({ ...ACCOUNT, by: apiKeys.id, ranges: apiKeys.ranges })
        .from(apiKeys)
        .innerJoin(accounts, eq(accounts.id, apiKeys.accountId))
        .where(
          and(
            inArray(apiKeys.id, keys),
            or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, sql`now()`)),
            enabled,
          ),
        );
      note('key', rows);
      for (const row of rows) ranges.set(row.by, row.ranges);
    }
    if (whole.length > 0)
      note(
        'account',
        await this.database
          .select({ ...ACCOUNT, by: accounts.id })
          .from(accounts)
          .where(and(inArray(accounts.id, whole), enabled)),
      );
    const standing = signIns.flatMap((signIn) => {
      const { ends, address } = signIn;
      const facts = found.get(`${ends.kind} ${ends.id}`);
      if (address !== undefined && !isAdmitted(address, ranges.get(ends.id) ?? [])) return [];
      return facts === undefined ? [] : [[signIn, facts] as const];
    });
    return new Map(standing);
  }
}

type AccountRow = Pick<typeof accounts.$inferSelect, 'id' | 'patientIssuer' | 'patientId'>;

function factsOf({ id, patientIssuer: issuer, patientId }: AccountRow): Facts {
  return { id, patient: issuer === null || patientId === null ? undefined : { issuer, patientId } };
}
