import { Inject, Injectable } from '@nestjs/common';
import { and, eq, isNull, lt, or, sql } from 'drizzle-orm';
import { DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { recoveryCodes, secondFactors } from '../../database/schema.factors.js';
import type { FactorConfirmation, PasskeyAssertion, SecondFactorProof } from './factor.bodies.js';
import { Passkeys } from './passkeys.js';
import { recoveryCodeHash } from './recovery.codes.js';
import { type FactorRow, passkeysOf, StoredFactors } from './stored.factors.js';
import { totpStepOf } from './totp.js';

/**
 * Marks a valid proof as used, within the transaction of the sign-in. Returns false if another sign-in has used the same proof meanwhile.
 */
export type UseProof = (transaction: Transaction) => Promise<boolean>;

/** Checks TOTP codes, recovery codes and passkeys. */
@Injectable()
export class FactorProofs {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly factors: StoredFactors,
    private readonly passkeys: Passkeys,
  ) {}

  /** Checks the proof of a confirmed factor. Returns undefined if it is wrong or was used before. */
  async check(
    accountId: string,
    { code, recovery_code, passkey }: SecondFactorProof,
    challenge: string | null,
  ): Promise<UseProof | undefined> {
    if (recovery_code !== undefined) return this.checkRecovery(accountId, recovery_code);
    const rows = await this.factors.list(accountId);
    if (code !== undefined) return this.checkTotp(rows, code);
    return passkey === undefined || challenge === null
      ? undefined
      : this.checkPasskey(rows, passkey, challenge);
  }

  /** Checks the proof of an enrolment. Returns the values to store with the confirmed factor, or undefined if the proof is wrong. */
  async checkEnrolment(
    row: FactorRow,
    { code, registration }: FactorConfirmation,
  ): Promise<Partial<FactorRow> | undefined> {
    const secret = this.factors.secretOf(row);
    if (code !== undefined && secret !== undefined) {
      const lastStep = totpStepOf(secret, digitsOf(code), Date.now());
      return lastStep === undefined ? undefined : { lastStep };
    }
    if (registration === undefined || row.registrationChallenge === null) return undefined;
    const passkey = await this.passkeys.registered(registration, row.registrationChallenge);
    if (passkey === undefined) return undefined;
    const taken = await this.database.$count(
      secondFactors,
      eq(secondFactors.credentialId, passkey.credentialId),
    );
    return taken > 0 ? undefined : { ...passkey, transports: [...passkey.transports] };
  }

  private checkTotp(rows: readonly FactorRow[], code: string): UseProof | undefined {
    for (const row of rows) {
      const secret = this.factors.secretOf(row);
      const step = secret === undefined ? undefined : totpStepOf(secret, digitsOf(code), Date.now());
      if (step === undefined || (row.lastStep !== null && row.lastStep >= step)) continue;
      return (transaction) =>
        updated(
          transaction
            .update(secondFactors)
            .set({ lastStep: step, lastUsedAt: sql`now()` })
            .where(
              and(
                eq(secondFactors.id, row.id),
                or(isNull(secondFactors.lastStep), lt(secondFactors.lastStep, step)),
              ),
            )
            .returning({ id: secondFactors.id }),
        );
    }
    return undefined;
  }

  private async checkRecovery(accountId: string, code: string): Promise<UseProof | undefined> {
    const unused = and(
      eq(recoveryCodes.accountId, accountId),
      eq(recoveryCodes.codeHash, recoveryCodeHash(code)),
      isNull(recoveryCodes.usedAt),
    );
    if ((await this.database.$count(recoveryCodes, unused)) === 0) return undefined;
    return (transaction) =>
      updated(
        transaction
          .update(recoveryCodes)
          .set({ usedAt: sql`now()` })
          .where(unused)
          .returning({ id: recoveryCodes.accountId }),
      );
  }

  private async checkPasskey(
    rows: readonly FactorRow[],
    assertion: PasskeyAssertion,
    challenge: string,
  ): Promise<UseProof | undefined> {
    const row = rows.find(({ credentialId }) => credentialId === assertion.id);
    const [passkey] = row === undefined ? [] : passkeysOf([row]);
    if (row === undefined || passkey === undefined) return undefined;
    const signCount = await this.passkeys.asserted(assertion, challenge, passkey);
    if (signCount === undefined) return undefined;
    return (transaction) =>
      updated(
        transaction
          .update(secondFactors)
          .set({ signCount, lastUsedAt: sql`now()` })
          // Two answers with the same counter come from copies of an authenticator (WebAuthn §6.1.1).
          .where(and(eq(secondFactors.id, row.id), eq(secondFactors.signCount, passkey.signCount)))
          .returning({ id: secondFactors.id }),
      );
  }
}

async function updated(rows: PromiseLike<readonly unknown[]>): Promise<boolean> {
  return (await rows).length === 1;
}

/** Removes the spaces that authenticator apps show between the digits. */
function digitsOf(code: string): string {
  return code.replace(/\s/g, '');
}
