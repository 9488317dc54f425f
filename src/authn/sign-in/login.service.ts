import { Inject, Injectable } from '@nestjs/common';
import { and, eq, sql } from 'drizzle-orm';
import { type AuditedAction, AuditedActions } from '../../audit/audited.actions.js';
import { DATABASE, type Database } from '../../database/database.module.js';
import { accounts } from '../../database/schema.access.js';
import { BadField, NotAuthenticated } from '../../problems/errors.js';
import type { Account } from '../account.js';
import { RefreshTokens } from '../tokens/refresh.tokens.js';
import type { PasswordChange } from './login.bodies.js';
import { LoginThrottle } from './login.throttle.js';
import { Passwords } from './passwords.service.js';
import type { SignIn } from './sign.in.js';
import { type Proof, SignIns } from './sign.ins.js';

/** A person who has proved their identity with a password. */
export interface Person extends Proof {
  readonly name: string;
  readonly patientId: string | undefined;
}

/** Signs people in with name and password, signs people out, and changes passwords. */
@Injectable()
export class Logins {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly passwords: Passwords,
    private readonly throttle: LoginThrottle,
    private readonly signIns: SignIns,
    private readonly refreshTokens: RefreshTokens,
    private readonly auditedActions: AuditedActions,
  ) {}

  /**
   * Checks a name and password and returns the person. Throws the same NotAuthenticated for an unknown name, a disabled account and a wrong
   * password. Throws TooMany after too many failures. Call {@link Logins.succeeded} when the sign-in is complete.
   */
  async prove(username: string, password: string, address: string): Promise<Person> {
    const release = this.throttle.enter(username, address);
    try {
      const row = await this.personNamed(username);
      const stored = row?.disabled === false ? row.passwordHash : undefined;
      const isRight = await this.isPassword(stored, password, username, address);
      if (!isRight || row === undefined) throw new NotAuthenticated();
      const { id, name, patientId } = row;
      return {
        id,
        name,
        patientId: patientId ?? undefined,
        passwordHash: stored ?? undefined,
        by: 'password',
      };
    } finally {
      release();
    }
  }

  /** Forgets the failures of this name from this address. */
  async succeeded(username: string, address: string): Promise<void> {
    await this.throttle.succeeded(username, address);
  }

  /** Checks the password of the caller again. Throws BadField when it is wrong, and TooMany after too many failures. */
  async provePassword({ id, name }: Account, password: string, address: string): Promise<void> {
    const [row] = await this.database.select().from(accounts).where(eq(accounts.id, id));
    if (!(await this.isPassword(row?.passwordHash, password, name, address))) throw wrongPassword('password');
  }

  /** Ends a sign-in. If a refresh token of the same account is given, the token family of this token ends too. */
  async end(action: AuditedAction, signIn: SignIn, refreshToken: string | undefined): Promise<void> {
    await this.auditedActions.record(action, 204, async (transaction) => {
      await this.signIns.end(signIn, transaction);
      if (refreshToken !== undefined)
        await this.refreshTokens.end(refreshToken, signIn.account.id, transaction);
    });
  }

  /** Changes the password of the caller and ends all other sign-ins of the caller. Throws BadField when the current password is wrong. */
  async changePassword(
    action: AuditedAction,
    signIn: SignIn,
    change: PasswordChange,
    address: string,
  ): Promise<void> {
    const { id, name } = signIn.account;
    const [row] = await this.database.select().from(accounts).where(eq(accounts.id, id));
    const current = row?.passwordHash;
    const isRight = await this.isPassword(current, change.current_password, name, address);
    if (!isRight || typeof current !== 'string') throw wrongPassword('current_password');
    const passwordHash = await this.passwords.hash(change.new_password);
    await this.auditedActions.record(action, 204, async (transaction) => {
      const changed = await transaction
        .update(accounts)
        .set({ passwordHash })
        // A concurrent change of the password takes precedence. An administrator may have changed the password because somebody else knows
        // the old password.
        .where(and(eq(accounts.id, id), eq(accounts.passwordHash, current)))
        .returning({ id: accounts.id });
      if (changed.length === 0) throw wrongPassword('current_password');
      await this.signIns.endAll(id, signIn.ends, transaction);
    });
  }

  private async personNamed(username: string): Promise<typeof accounts.$inferSelect | undefined> {
    const [row] = await this.database
      .select()
      .from(accounts)
      .where(and(eq(accounts.kind, 'person'), eq(sql`lower(${accounts.name})`, sql`lower(${username})`)));
    return row;
  }

  /**
   * Whether the password is the stored password. A wrong password is counted. Throws TooMany after too many wrong passwords for the name or
   * from the address.
   */
  private async isPassword(
    stored: string | null | undefined,
    password: string,
    name: string,
    address: string,
  ): Promise<boolean> {
    await this.throttle.slow(name);
    return this.passwords.inTurn(async () => {
      // Check the count only when the password check has a slot. The count then contains all wrong passwords, except those of checks that
      // still run.
      await this.throttle.check(name, address);
      const isRight = await this.passwords.matches(stored, password);
      if (!isRight) await this.throttle.failed(name, address);
      return isRight;
    });
  }
}

function wrongPassword(field: string): BadField {
  return new BadField('wrong-password', field, 'This is not the current password.');
}
