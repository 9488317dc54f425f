import { createHash } from 'node:crypto';
import { and, type AnyColumn, desc, eq, isNotNull, isNull, type SQL, sql } from 'drizzle-orm';
import type { Transaction } from '../../database/database.module.js';
import { imports } from '../../database/schema.records.js';
import { BadField } from '../../problems/errors.js';

type ImportRecord = typeof imports.$inferSelect;

/** The properties of an upload that decide whether it is the same as an earlier upload. `mapping` is null if the upload names none. */
export interface UploadFacts {
  readonly sha256: Buffer;
  readonly mapping: string | null;
  readonly mode: ImportRecord['mode'];
  readonly asOf: string | null;
  readonly encoding: string | null;
  readonly corrections: ImportRecord['corrections'];
  readonly facility: string | null;
  readonly sheet: string | null;
}

/** The digest of an upload. Two imports never have the same digest. */
export function samenessOf(facts: UploadFacts): Buffer {
  const { sha256, mapping, mode, asOf, encoding, corrections, facility, sheet } = facts;
  const texts = [sha256.toString('hex'), mapping ?? 'auto', mode, asOf ?? '', encoding ?? ''];
  // The default is left out, so that uploads of earlier versions are recognised.
  if (corrections === 'amend') texts.push('amend');
  // Without a facility, the text is the same as in earlier versions.
  if (facility !== null) texts.push(facility);
  if (sheet !== null) texts.push(`sheet ${sheet}`);
  return createHash('sha256').update(texts.join('\n')).digest();
}

/** Waits until no other transaction accepts the same file. Without this lock, two requests could both find no earlier import. */
export async function lockFile(transaction: Transaction, sha256: Buffer): Promise<void> {
  const number = sha256.readBigInt64BE().toString();
  await transaction.execute(sql`select pg_advisory_xact_lock(${number}::bigint)`);
}

/**
 * The import that an earlier, equal upload created, or undefined. `sameness` is null if the client has forced a new import. Throws BadField
 * when the `Idempotency-Key` was used for a different upload.
 */
export async function findEarlier(
  transaction: Transaction,
  facts: UploadFacts & {
    readonly sameness: Buffer | null;
    readonly accountId: string;
    readonly idempotencyKey: string | null;
  },
): Promise<ImportRecord | undefined> {
  const { sameness, accountId, idempotencyKey } = facts;
  const first = async (which: SQL | undefined) =>
    (await transaction.select().from(imports).where(which).orderBy(desc(imports.createdAt)).limit(1)).at(0);
  // Check the key first. A key that was used for a different upload is an error, even if the file itself is known.
  const keyed =
    idempotencyKey === null
      ? undefined
      : await first(and(eq(imports.accountId, accountId), eq(imports.idempotencyKey, idempotencyKey)));
  if (keyed !== undefined) {
    if (!isSame(keyed, facts))
      throw new BadField(
        'idempotency-key-reused',
        'Idempotency-Key',
        'This key was used for another file, mapping, mode, day, encoding, corrections, facility or sheet. Use a new key.',
      );
    return keyed;
  }
  if (sameness === null) return undefined;
  return (
    (await first(eq(imports.sameness, sameness))) ??
    (await first(
      and(
        isNotNull(imports.sameness),
        eq(imports.sha256, facts.sha256),
        eq(imports.mode, facts.mode),
        equal(imports.asOf, facts.asOf),
        equal(imports.encoding, facts.encoding),
        eq(imports.corrections, facts.corrections),
        equal(imports.facility, facts.facility),
        equal(imports.sheet, facts.sheet),
        // An upload without a mapping is the same as an upload with any mapping. Earlier versions always recorded a mapping.
        facts.mapping === null
          ? undefined
          : and(eq(imports.mapping, facts.mapping), sql`${imports.mappingChoice} <> 'named'`),
      ),
    ))
  );
}

const equal = (column: AnyColumn, value: string | null): SQL =>
  value === null ? isNull(column) : eq(column, value);

function isSame(record: ImportRecord, facts: UploadFacts): boolean {
  const names = ['mode', 'asOf', 'encoding', 'corrections', 'facility', 'sheet'] as const;
  return (
    record.sha256.equals(facts.sha256) &&
    names.every((name) => record[name] === facts[name]) &&
    (facts.mapping === null || record.mapping === facts.mapping)
  );
}
