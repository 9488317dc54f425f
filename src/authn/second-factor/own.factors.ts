import { Injectable } from '@nestjs/common';
import { eq, sql } from 'drizzle-orm';
import { type AuditedAction, AuditedActions } from '../../audit/audited.actions.js';
import type { Transaction } from '../../database/database.module.js';
import { accounts, sessions, tokenFamilies } from '../../database/schema.access.js';
import { BadField, Conflict, NotVisible } from '../../problems/errors.js';
import type { Account } from '../account.js';
import { Logins } from '../sign-in/login.service.js';
import type { SignIn } from '../sign-in/sign.in.js';
import type {
  ConfirmedFactor,
  FactorConfirmation,
  FactorEnrolment,
  Factors,
  NewFactor,
  RecoveryCodes,
} from './factor.bodies.js';
import { factorNeedOf } from './factor.need.js';
import { FactorProofs } from './factor.proofs.js';
import { Passkeys } from './passkeys.js';
import { SignInChallenges } from './sign-in.challenges.js';
import { factorOf, StoredFactors } from './stored.factors.js';

/** What a change of the own factors is about: the audited action, the sign-in of the caller and the address of the client. */
export interface OwnChange {
  readonly action: AuditedAction;
  readonly signIn: SignIn;
  readonly address: string;
}

/** Lists and changes the second factors of an account. A change needs the password again, because a page may have been left open. */
@Injectable()
export class OwnFactors {
  constructor(
    private readonly auditedActions: AuditedActions,
    private readonly logins: Logins,
    private readonly factors: StoredFactors,
    private readonly proofs: FactorProofs,
    private readonly passkeys: Passkeys,
    private readonly challenges: SignInChallenges,
  ) {}

  /** The factors of an account, oldest first. */
  async list(accountId: string): Promise<Factors> {
    const rows = await this.factors.list(accountId);
    const { required, password } = await this.factors.need(accountId);
    return {
      items: rows.map(factorOf),
      recovery_codes_left: await this.factors.codesLeft(accountId),
      has_password: password,
      required,
      passkeys_available: this.passkeys.areAvailable,
    };
  }

  /** Begins an enrolment. Throws BadField when the password is wrong, and Conflict when the account has ten factors. */
  async begin({ action, signIn, address }: OwnChange, wish: NewFactor): Promise<FactorEnrolment> {
    await this.logins.provePassword(signIn.account, wish.password, address);
    action.addFacts({ detail: { kind: wish.kind } });
    return this.factors.begin(signIn.account, wish);
  }

  /** Confirms an enrolment. Throws NotVisible when it has ended, and BadField when the proof is wrong. */
  async confirm(
    { action, signIn }: Pick<OwnChange, 'action' | 'signIn'>,
    id: string,
    proof: FactorConfirmation,
  ): Promise<ConfirmedFactor> {
    const { account, ends } = signIn;
    const row = await this.factors.enrolment(account.id, id);
    if (row === undefined) throw new NotVisible();
    const values = await this.proofs.checkEnrolment(row, proof);
    if (values === undefined)
      throw new BadField(
        'wrong-factor',
        proof.code === undefined ? 'registration' : 'code',
        'This does not prove the factor. Send the code that the app shows now, or register the passkey again.',
      );
    action.addFacts({ detail: { kind: row.kind } });
    return this.auditedActions.record(action, 200, async (transaction) => {
      await hold(transaction, account);
      const { factor, codes } = await this.factors.confirm(transaction, row, values);
      // Challenges that could enrol the first factor must not add another one.
      await this.challenges.endAll(transaction, account.id);
      await markProved(transaction, ends);
      return { ...factor, ...(codes !== undefined && { recovery_codes: codes }) };
    });
  }

  /** Removes a factor. Throws Conflict for the last factor if a group requires one. */
  async remove({ action, signIn, address }: OwnChange, id: string, password: string): Promise<void> {
    const { account } = signIn;
    await this.logins.provePassword(account, password, address);
    await this.auditedActions.record(action, 204, async (transaction) => {
      await hold(transaction, account);
      await this.factors.remove(transaction, account.id, id);
      const { has, required } = await factorNeedOf(transaction, account.id);
      if (required && !has)
        throw new Conflict(
          'second-factor-needed',
          'A group of this account requires a second factor. Add another factor first.',
        );
    });
  }

  /** Replaces the recovery codes. Throws Conflict when the account has no second factor. */
  async renewCodes({ action, signIn, address }: OwnChange, password: string): Promise<RecoveryCodes> {
    const { account } = signIn;
    await this.logins.provePassword(account, password, address);
    return this.auditedActions.record(action, 200, async (transaction) => {
      await hold(transaction, account);
      const { has } = await factorNeedOf(transaction, account.id);
      if (!has)
        throw new Conflict('second-factor-needed', 'Recovery codes need a second factor. Add one first.');
      return { recovery_codes: await this.factors.replaceCodes(transaction, account.id) };
    });
  }
}

/** Locks the account, so that changes of its factors run one after the other. */
async function hold(transaction: Transaction, { id }: Account): Promise<void> {
  await transaction
    .select({ id: accounts.id })
    .from(accounts)
    .where(eq(accounts.id, id))
    .for('no key update');
}

/** The caller has proved the password and the new factor, so this sign-in counts as one with a second factor. */
async function markProved(transaction: Transaction, { kind, id }: SignIn['ends']): Promise<void> {
  const byPassword = sql`signed_in_by = 'password'`;
  if (kind === 'session')
    await transaction
      .update(sessions)
      .set({ signedInBy: 'second-factor' })
      .where(sql`${eq(sessions.id, id)} and ${byPassword}`);
  if (kind === 'family')
    await transaction
      .update(tokenFamilies)
      .set({ signedInBy: 'second-factor' })
      .where(sql`${eq(tokenFamilies.id, id)} and ${byPassword}`);
}
