import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { and, asc, count, desc, eq, isNotNull, isNull, ne, notInArray, sql } from 'drizzle-orm';
import { DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { recoveryCodes, secondFactors } from '../../database/schema.factors.js';
import { Conflict, NotVisible } from '../../problems/errors.js';
import { SealedBox } from '../../secrets/sealed.box.js';
import type { Account } from '../account.js';
import type { Factor, FactorEnrolment, NewFactor } from './factor.bodies.js';
import { type FactorNeed, factorNeedOf } from './factor.need.js';
import { type Passkey, Passkeys } from './passkeys.js';
import { newRecoveryCodes, recoveryCodeHash } from './recovery.codes.js';
import { newTotpSecret, totpUriOf } from './totp.js';

/** A row of the table of second factors. */
export type FactorRow = typeof secondFactors.$inferSelect;

const MAX_FACTORS = 10;
/** Enrolments of one account that can be in progress at the same time. A further one replaces the oldest. */
const MAX_IN_PROGRESS = 3;
export const ENROLMENT_LIFE = sql.raw(`interval '10 minutes'`);

const purposeOf = (id: string) => `second factor ${id}`;
const ISSUER = 'Radgate';

/** Reads and changes the second factors of accounts. */
@Injectable()
export class StoredFactors {
  private readonly logger = new Logger('authn');

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly box: SealedBox,
    private readonly passkeys: Passkeys,
  ) {}

  /** The confirmed factors of an account, oldest first. */
  list(accountId: string, database: Database | Transaction = this.database): Promise<FactorRow[]> {
    return database
      .select()
      .from(secondFactors)
      .where(and(eq(secondFactors.accountId, accountId), isNotNull(secondFactors.confirmedAt)))
      .orderBy(asc(secondFactors.confirmedAt), asc(secondFactors.id));
  }

  /** An enrolment of the account that is in progress, or undefined. */
  async enrolment(accountId: string, id: string): Promise<FactorRow | undefined> {
    const [row] = await this.database
      .select()
      .from(secondFactors)
      .where(
        and(
          eq(secondFactors.id, id),
          eq(secondFactors.accountId, accountId),
          isNull(secondFactors.confirmedAt),
          sql`${secondFactors.createdAt} > now() - ${ENROLMENT_LIFE}`,
        ),
      );
    return row;
  }

  /** Whether the account has a second factor, and whether a group requires one. */
  need(accountId: string): Promise<FactorNeed> {
    return factorNeedOf(this.database, accountId);
  }

  /** The number of recovery codes that the account has not used. */
  codesLeft(accountId: string): Promise<number> {
    return this.database.$count(
      recoveryCodes,
      and(eq(recoveryCodes.accountId, accountId), isNull(recoveryCodes.usedAt)),
    );
  }

  /** Begins an enrolment, which counts only after {@link confirm}. Throws Conflict when the account has ten factors. */
  async begin(
    account: Pick<Account, 'id' | 'name'>,
    { kind, name }: Pick<NewFactor, 'kind' | 'name'>,
  ): Promise<FactorEnrolment> {
    const known = await this.list(account.id);
    if (known.length >= MAX_FACTORS)
      throw new Conflict('too-many-factors', 'An account can have ten second factors. Remove one first.');
    const id = randomUUID();
    const secret = newTotpSecret();
    const options =
      kind === 'passkey' ? await this.passkeys.registration(account, passkeysOf(known)) : undefined;
    await this.database.transaction(async (transaction) => {
      await transaction.insert(secondFactors).values({
        id,
        accountId: account.id,
        kind,
        name,
        secretSealed: kind === 'totp' ? this.box.seal(purposeOf(id), secret) : null,
        registrationChallenge: options?.challenge ?? null,
      });
      const inProgress = and(eq(secondFactors.accountId, account.id), isNull(secondFactors.confirmedAt));
      const newest = transaction
        .select({ id: secondFactors.id })
        .from(secondFactors)
        .where(inProgress)
        .orderBy(desc(secondFactors.createdAt))
        .limit(MAX_IN_PROGRESS);
      await transaction
        .delete(secondFactors)
        .where(and(inProgress, ne(secondFactors.id, id), notInArray(secondFactors.id, newest)));
    });
    if (options !== undefined) return { id, kind, passkey: { ...options } };
    return { id, kind, ...totpUriOf(secret, ISSUER, account.name) };
  }

  /** The secret of a TOTP factor. A secret that cannot be decrypted is logged and proves nothing. */
  secretOf({ id, secretSealed }: FactorRow): Buffer | undefined {
    if (secretSealed === null) return undefined;
    try {
      return this.box.open(purposeOf(id), secretSealed);
    } catch {
      this.logger.error({ event: 'second factor cannot be decrypted', factor: id });
      return undefined;
    }
  }

  /**
   * Confirms an enrolment with the values that the proof gave. The first factor comes with recovery codes. Throws NotVisible if the
   * enrolment has ended.
   */
  async confirm(
    transaction: Transaction,
    { id, accountId }: FactorRow,
    values: Partial<FactorRow>,
  ): Promise<{ readonly factor: Factor; readonly codes: string[] | undefined }> {
    const { has } = await factorNeedOf(transaction, accountId);
    const [row] = await transaction
      .update(secondFactors)
      .set({ ...values, confirmedAt: sql`now()`, registrationChallenge: null })
      .where(
        and(
          eq(secondFactors.id, id),
          isNull(secondFactors.confirmedAt),
          sql`${secondFactors.createdAt} > now() - ${ENROLMENT_LIFE}`,
        ),
      )
      .returning();
    if (row === undefined) throw new NotVisible();
    return {
      factor: factorOf(row),
      codes: has ? undefined : await this.replaceCodes(transaction, accountId),
    };
  }

  /** Replaces the recovery codes of an account. Returns the new ones, which are not stored. */
  async replaceCodes(transaction: Transaction, accountId: string): Promise<string[]> {
    const codes = newRecoveryCodes();
    await transaction.delete(recoveryCodes).where(eq(recoveryCodes.accountId, accountId));
    await transaction
      .insert(recoveryCodes)
      .values(codes.map((code) => ({ accountId, codeHash: recoveryCodeHash(code) })));
    return codes;
  }

  /** Removes one factor, and with the last factor the recovery codes. Throws NotVisible when the account has no such factor. */
  async remove(transaction: Transaction, accountId: string, id: string): Promise<void> {
    const removed = await transaction
      .delete(secondFactors)
      .where(and(eq(secondFactors.accountId, accountId), eq(secondFactors.id, id)))
      .returning({ id: secondFactors.id });
    if (removed.length === 0) throw new NotVisible();
    const [left] = await transaction
      .select({ factors: count() })
      .from(secondFactors)
      .where(and(eq(secondFactors.accountId, accountId), isNotNull(secondFactors.confirmedAt)));
    if (left?.factors === 0)
      await transaction.delete(recoveryCodes).where(eq(recoveryCodes.accountId, accountId));
  }

  /** Removes all factors, enrolments and recovery codes of an account. Returns the number of removed factors. */
  async removeAll(transaction: Transaction, accountId: string): Promise<number> {
    const removed = await transaction
      .delete(secondFactors)
      .where(eq(secondFactors.accountId, accountId))
      .returning({ confirmedAt: secondFactors.confirmedAt });
    await transaction.delete(recoveryCodes).where(eq(recoveryCodes.accountId, accountId));
    return removed.filter(({ confirmedAt }) => confirmedAt !== null).length;
  }
}

/** A factor in the form of the API. */
export function factorOf({ id, kind, name, createdAt, lastUsedAt }: FactorRow): Factor {
  return {
    id,
    kind,
    name,
    created_at: createdAt.toISOString(),
    last_used_at: lastUsedAt?.toISOString() ?? null,
  };
}

/** The usable passkeys among factors. */
export function passkeysOf(rows: readonly FactorRow[]): Passkey[] {
  return rows.flatMap(({ credentialId, publicKey, signCount, transports }) =>
    credentialId === null || publicKey === null ? [] : { credentialId, publicKey, signCount, transports },
  );
}
