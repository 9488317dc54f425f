import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { jittered } from '../../fhir/fhir.calls.js';
import { FhirConflict, FhirRefused } from '../../fhir/fhir.errors.js';
import { FhirRecords } from '../../fhir/fhir.records.js';
import { issue } from '../../mapping/issue.js';
import { buildTransaction } from '../../mapping/transaction.bundle.js';
import { NeighbourAway } from '../../problems/errors.js';
import type { IdentityKey } from '../../mapping/values/identity.js';
import { IdentityReviews } from './identity.reviews.js';
import { ImportLocks, isLockTimeout } from './import.locks.js';
import { ImportDependencies } from './import.dependencies.js';
import { formerTokens, type KnownResources, tokensOf } from './patient.matching.js';
import { activeWrites, decide, type PlannedRow, recordTokens, searchTokens } from './row.decision.js';
import type { StoredRowOutcome } from './row.store.js';
import { ownWrites, sentOf, outcomeOf, type Sent, isConcurrentCreate, writesOf } from './sent.rows.js';

/** The settings and callbacks for writing a bundle. */
export interface WriteOptions {
  readonly importId: string;
  readonly send: boolean;
  readonly policy: 'upsert' | 'create_only';
  /** What happens to a result that has another value on the server. */
  readonly corrections: 'reject' | 'amend';
  /** The key of the digests that identify persons. */
  readonly key: IdentityKey;
  /** The persons that were decided to be the patient with the same identifier. */
  readonly joined: ReadonlySet<string>;
  /** Aborts the write, also during the wait for a server that does not answer. */
  readonly signal: AbortSignal;
  /**
   * The writes that were sent but whose responses were not stored, by row. If such a write is found on the server, it is a write of this
   * import.
   */
  readonly sent: Map<number, readonly Sent[]>;
  /** Stores `sent`. The writer calls this function before it sends a transaction. */
  readonly recordSent: () => Promise<void>;
  /** Whether the import still runs. */
  readonly isActive: () => Promise<boolean>;
  /** Stores outcomes. The writer calls this function before it releases the locks on the patients. */
  readonly save: (outcomes: readonly StoredRowOutcome[]) => Promise<void>;
}

/** The maximum number of retries after conflicts. After the next conflict, the bundle is halved. */
const MOST_CONFLICTS = 6;

/**
 * Writes rows to the FHIR server in one transaction: looks up the existing resources, decides the writes, sends them, and stores the
 * outcomes. Halves a rejected bundle until a single row is rejected. Waits while the server does not answer. After a lost response, looks
 * the resources up again.
 */
@Injectable()
export class BundleWriter {
  constructor(
    private readonly records: FhirRecords,
    private readonly locks: ImportLocks,
    private readonly dependencies: ImportDependencies,
    private readonly reviews: IdentityReviews,
  ) {}

  /**
   * Writes the rows and stores an outcome for each row. Returns false when the import no longer runs. Throws when the signal is aborted,
   * and for unexpected errors.
   */
  async write(rows: readonly PlannedRow[], options: WriteOptions): Promise<boolean> {
    const keys = rows.flatMap(({ plan }) => plan.identityKeys);
    let conflicts = 0;
    for (let attempt = 1; ; attempt += 1) {
      options.signal.throwIfAborted();
      try {
        return await this.locks.withBundleLocks(options.importId, keys, () =>
          this.attempt(rows, options, true),
        );
      } catch (error) {
        if (error instanceof FhirRefused || (error instanceof FhirConflict && conflicts >= MOST_CONFLICTS))
          return await this.halve(rows, options);
        if (error instanceof FhirConflict) conflicts += 1;
        else if (!isTemporary(error)) throw error;
        // A cancelled import must not wait for the server any longer.
        if (!(await options.isActive())) return false;
        await sleep(jittered(attempt), undefined, { signal: options.signal });
      }
    }
  }

  private async attempt(
    rows: readonly PlannedRow[],
    options: WriteOptions,
    checkUndo: boolean,
  ): Promise<boolean> {
    if (!(await options.isActive())) return false;
    const known = await this.lookUp(rows);
    const found = known.patients.map(({ id }) => id);
    if (checkUndo && (await this.dependencies.isBeingUndone(options.importId, found)))
      throw new BeingUndone();
    const verdicts = await this.reviews.judge(options.importId, rows, known, options);
    const decisions = rows.map((row) => decide(row, known, options, verdicts.get(row.row)));
    const sentFor = (row: number) => (options.send ? (options.sent.get(row) ?? []) : []);
    const writes = decisions.flatMap((decision) => decision.writes ?? []);
    if (!options.send || writes.length === 0) {
      await this.store(
        decisions.map((one) => outcomeOf(one, ownWrites(one, known, sentFor(one.planned.row)))),
        options,
      );
      return true;
    }
    // Compute these writes before the new writes are added to `sent`.
    const own = new Map(decisions.map((one) => [one, ownWrites(one, known, sentFor(one.planned.row))]));
    for (const decision of decisions) {
      const { row } = decision.planned;
      const writesToSend = sentOf(decision);
      if (writesToSend.length > 0) options.sent.set(row, [...sentFor(row), ...writesToSend]);
    }
    await options.recordSent();
    const answers = await this.records.transaction(buildTransaction(writes).bundle);
    let at = 0;
    const concurrent: PlannedRow[] = [];
    const outcomes = decisions.flatMap((decision) => {
      const sent = decision.writes === undefined ? [] : activeWrites(decision.writes);
      const answered = answers.slice(at, (at += sent.length));
      if (!isConcurrentCreate(sent, answered))
        return outcomeOf(decision, [...(own.get(decision) ?? []), ...writesOf(sent, answered)]);
      concurrent.push(decision.planned);
      return [];
    });
    await this.store(outcomes, options);
    // Another client created these patients between the look-up and the transaction. A second attempt merges the rows into these patients.
    return concurrent.length === 0 || this.attempt(concurrent, options, false);
  }

  private async store(outcomes: readonly StoredRowOutcome[], options: WriteOptions): Promise<void> {
    await options.save(outcomes);
    for (const { row } of outcomes) options.sent.delete(row);
  }

  private async lookUp(rows: readonly PlannedRow[]): Promise<KnownResources> {
    const plans = rows.map(({ plan }) => plan);
    const former = plans.flatMap(formerTokens);
    const conditions = [...plans.flatMap((plan) => searchTokens(plan.conditions, plan)), ...former];
    const observations = [...plans.flatMap((plan) => searchTokens(plan.observations, plan)), ...former];
    const [patients, ...records] = await Promise.all([
      this.records.withIdentifiers('Patient', plans.flatMap(tokensOf)),
      this.records.withIdentifiers('Condition', conditions),
      this.records.withIdentifiers('Observation', observations),
    ]);
    const byKey = records
      .flat()
      .flatMap((record) => recordTokens([record]).map(({ value }) => [value, record] as const));
    return { patients, records: new Map(byKey) };
  }

  private async halve(rows: readonly PlannedRow[], options: WriteOptions): Promise<boolean> {
    if (rows.length <= 1) {
      const refused = rows.map(({ row, issues }) => ({
        row,
        state: 'rejected' as const,
        issues: [...issues, issue('fhir-refused')],
        changes: [],
        writes: [],
      }));
      await this.store(refused, options);
      return true;
    }
    const middle = rows.length >> 1;
    return (
      (await this.write(rows.slice(0, middle), options)) && (await this.write(rows.slice(middle), options))
    );
  }
}

/** Another import that has a row about one of these patients is being undone. The bundle is tried again later. */
class BeingUndone extends Error {}

const isTemporary = (error: unknown): boolean =>
  error instanceof NeighbourAway || error instanceof BeingUndone || isLockTimeout(error);
