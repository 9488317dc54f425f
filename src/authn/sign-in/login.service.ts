import { Inject, Injectable } from '@nestjs/common';
import { and, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type AuditedAction, AuditedActions } from '../../audit/audited.actions.js';
import { DATABASE, type Database } from '../../database/database.module.js';
import { accounts } from '../../database/schema.access.js';
import { BadField, NotAuthenticated } from '../../problems/errors.js';
import { LoginThrottle } from './login.throttle.js';
import { ClaimedPassword, NewPassword, Passwords } from './passwords.service.js';
import type { SignIn } from './sign.in.js';
import { type Proof, SignIns } from './sign.ins.js';

/** What somebody says who changes their own password. */
export const PasswordChange = z.strictObject({
  current_password: ClaimedPassword,
  new_password: NewPassword,
});
export type PasswordChange = z.output<typeof PasswordChange>;

/** The person a password proved. */
export interface Person extends Proof {
  readonly name: string;
  readonly patientId: string | undefined;
}

/** Checks passwords of people, counting what fails. */
@Injectable()
export class Logins {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly passwords: Passwords,
    private readonly throttle: LoginThrottle,
    private readonly signIns: SignIns,
    private readonly auditedActions: AuditedActions,
  ) {}

  /** The person of a name and password; NotAuthenticated for unknown, disabled and wrong alike, TooMany when throttled. */
  prove(username: string, password: string, address: string): Promise<Person> {
    return this.throttle.admit(username, address, () => this.proven(username, password, address));
  }

  private async proven(username: string, password: string, address: string): Promise<Person> {
    const [row] = await this.database
      .select()
      .from(accounts)
      .where(and(eq(accounts.kind, 'person'), eq(sql`lower(${accounts.name})`, sql`lower(${username})`)));
    const stored = row?.disabled === false ? row.passwordHash : undefined;
    if (!(await this.right(stored, password, username, address)) || row === undefined)
      throw new NotAuthenticated();
    await this.throttle.succeeded(username, address);
    const { id, name, patientId } = row;
    return { id, name, patientId: patientId ?? undefined, passwordHash: stored ?? undefined };
  }

  /** Changes the caller's own password and ends every other sign-in. BadField when the current one is wrong. */
  async change(
    action: AuditedAction,
    signIn: SignIn,
    change: PasswordChange,
    address: string,
  ): Promise<void> {
    const { id, name } = signIn.account;
    const [row] = await this.database.select().from(accounts).where(eq(accounts.id, id));
    const current = row?.passwordHash;
    const isRight = await this.right(current, change.current_password, name, address);
    if (!isRight || typeof current !== 'string') throw notCurrent();
    const passwordHash = await this.passwords.hash(change.new_password);
    await this.auditedActions.record(action, 204, async (transaction) => {
      const changed = await transaction
        .update(accounts)
        .set({ passwordHash })
        // Another change that came first stands: it may be an administrator's, against whoever knew this one.
        .where(and(eq(accounts.id, id), eq(accounts.passwordHash, current)))
        .returning({ id: accounts.id });
      if (changed.length === 0) throw notCurrent();
      await this.signIns.endAll(id, signIn.ends, transaction);
    });
  }

  private async right(
    stored: string | null | undefined,
    password: string,
    name: string,
    address: string,
  ): Promise<boolean> {
    await this.throttle.slow(name);
    return this.passwords.check(stored, password, async (verify) => {
      await this.throttle.check(name, address);
      const right = await verify();
      if (!right) await this.throttle.failed(name, address);
      return right;
    });
  }
}

function notCurrent(): BadField {
  return new BadField('wrong-password', 'current_password', 'This is not the current password.');
}
