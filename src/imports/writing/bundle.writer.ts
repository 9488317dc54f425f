import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { jittered } from '../../fhir/fhir.calls.js';
import { FhirAway, FhirConflict, FhirRefused } from '../../fhir/fhir.errors.js';
import { type EntryOutcome, FhirRecords } from '../../fhir/fhir.records.js';
import { buildTransaction } from '../../mapping/transaction.bundle.js';
import { NeighbourAway } from '../../problems/errors.js';
import type { IdentityKey } from '../../mapping/values/identity.js';
import { ConflictTries } from './conflict.tries.js';
import { answerOf, rejectedOutcome } from './group.answers.js';
import { IdentityReviews } from './identity.reviews.js';
import { ImportLocks, isLockTimeout } from './import.locks.js';
import { ImportDependencies } from './import.dependencies.js';
import { lookUpKnown } from './known.resources.js';
import { type GroupAnswer, sendGroups } from './refusal.search.js';
import { activeWrites, decide, type PlannedRow, type RowDecision } from './row.decision.js';
import type { StoredRowOutcome, StoredWrite } from './row.store.js';
import { ServerFailures } from './server.failures.js';
import {
  confirmedOf,
  isConcurrentCreate,
  outcomeOf,
  ownWrites,
  type Sent,
  sentOf,
  writesOf,
} from './sent.rows.js';

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

/**
 * Writes rows to the FHIR server in one transaction: looks up the existing resources, decides the writes, sends them, and stores the
 * outcomes. If the server rejects the transaction, rejects the rows that the server names, or searches for them, and sends the others. Waits
 * while the server does not answer. After a lost response or a conflict, looks the resources up again.
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
    const left = new Map(rows.map((row) => [row.row, row]));
    const tries = { conflicts: new ConflictTries(), failures: new ServerFailures<RowDecision>() };
    const save = async (outcomes: readonly StoredRowOutcome[]) => {
      await options.save(outcomes);
      for (const { row } of outcomes) left.delete(row);
    };
    for (let attempt = 1; ; attempt += 1) {
      options.signal.throwIfAborted();
      const some = [...left.values()];
      const keys = some.flatMap(({ plan }) => plan.identityKeys);
      try {
        const isActive = await this.locks.withBundleLocks(options.importId, keys, () =>
          this.attempt(some, { ...options, save }, tries, true),
        );
        if (!isActive || left.size === 0) return isActive;
      } catch (error) {
        // The server rejected a look-up, or its response to the transaction cannot be read.
        if (error instanceof FhirRefused) return this.halve([...left.values()], options);
        if (!(error instanceof FhirConflict) && !isTemporary(error)) throw error;
        if (error instanceof FhirAway && error.isServerError) tries.failures.failed();
      }
      // A cancelled import must not wait for the server any longer.
      if (!(await options.isActive())) return false;
      await sleep(jittered(attempt), undefined, { signal: options.signal });
    }
  }

  /** Writes rows whose patients are locked. Rows with a conflict get no outcome. Returns false when the import no longer runs. */
  private async attempt(
    rows: readonly PlannedRow[],
    options: WriteOptions,
    tries: Tries,
    checkUndo: boolean,
  ): Promise<boolean> {
    if (!(await options.isActive())) return false;
    const known = await lookUpKnown(this.records, rows);
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
    const concurrent = await this.sendAll(decisions, own, tries, options);
    // Resources of these rows exist although the look-up did not find them. A second attempt merges the rows into these resources.
    return (
      concurrent !== undefined && (concurrent.length === 0 || this.attempt(concurrent, options, tries, false))
    );
  }

  /**
   * Sends the writes of some rows and stores the outcomes. `own` are earlier writes of the rows. Returns the rows whose
   * resources existed already although the look-up did not find them. Returns undefined when the import no longer runs.
   */
  private async sendAll(
    decisions: readonly RowDecision[],
    own: ReadonlyMap<RowDecision, readonly StoredWrite[]>,
    { conflicts, failures }: Tries,
    options: WriteOptions,
  ): Promise<PlannedRow[] | undefined> {
    const concurrent: PlannedRow[] = [];
    const elements = new Map<RowDecision, string>();
    // Rows without writes are stored together with the first rows that are sent, because each transaction of the database takes time.
    let others = decisions.filter(({ writes }) => writes === undefined);
    const store = async (outcomes: readonly StoredRowOutcome[]) => {
      const idle = others.map((one) => outcomeOf(one, own.get(one) ?? []));
      others = [];
      await this.store([...idle, ...outcomes], options);
    };
    const accept = async (group: readonly RowDecision[], answers: readonly EntryOutcome[]) => {
      let at = 0;
      const outcomes = group.flatMap((decision) => {
        const sent = decision.writes === undefined ? [] : activeWrites(decision.writes);
        const answered = answers.slice(at, (at += sent.length));
        if (!isConcurrentCreate(sent, answered))
          return outcomeOf(decision, [...(own.get(decision) ?? []), ...writesOf(sent, answered)]);
        concurrent.push(decision.planned);
        const { row } = decision.planned;
        const earlier = (options.sent.get(row) ?? []).slice(0, -sent.length);
        options.sent.set(row, [...earlier, ...confirmedOf(decision, answered)]);
        return [];
      });
      await store(outcomes);
    };
    let isFirst = true;
    const send = async (group: readonly RowDecision[]): Promise<GroupAnswer<RowDecision>> => {
      if (!isFirst && !(await options.isActive())) throw new Stopped();
      isFirst = false;
      const { bundle } = buildTransaction(group.flatMap(({ writes }) => writes ?? []));
      try {
        await accept(group, await this.records.transaction(bundle));
        failures.wrote();
        return { kind: 'accepted' };
      } catch (error) {
        if (error instanceof FhirAway && error.isServerError && failures.isPartOf(group))
          return { kind: 'refused', named: [] };
        return answerOf(error, group, conflicts, elements);
      }
    };
    let held: RowDecision[] = [];
    const refuse = async (refused: readonly RowDecision[]) => {
      const waiting = failures.waiting(refused);
      held.push(...waiting);
      const final = refused.filter((one) => !waiting.includes(one));
      if (final.length > 0)
        await store(final.map((one) => rejectedOutcome(one.planned, own.get(one), elements.get(one))));
    };
    try {
      await sendGroups(
        decisions.filter(({ writes }) => writes !== undefined),
        { send, refuse },
      );
      const failed = held;
      held = [];
      // If the server has written other rows in the meantime, a row that fails again is the reason itself.
      for (const one of failed) await sendGroups([one], { send, refuse });
      if (held.length > 0) throw new FhirAway(500);
      return concurrent;
    } catch (error) {
      if (error instanceof Stopped) return undefined;
      throw error;
    }
  }

  private async store(outcomes: readonly StoredRowOutcome[], options: WriteOptions): Promise<void> {
    await options.save(outcomes);
    for (const { row } of outcomes) options.sent.delete(row);
  }

  private async halve(rows: readonly PlannedRow[], options: WriteOptions): Promise<boolean> {
    if (rows.length <= 1) {
      const refused = rows.map((planned) => rejectedOutcome(planned));
      await this.store(refused, options);
      return true;
    }
    const middle = rows.length >> 1;
    return (
      (await this.write(rows.slice(0, middle), options)) && (await this.write(rows.slice(middle), options))
    );
  }
}

/** The conflicts and failures of the attempts to write a bundle. */
interface Tries {
  readonly conflicts: ConflictTries;
  readonly failures: ServerFailures<RowDecision>;
}

/** The import was cancelled, has failed or was started again. */
class Stopped extends Error {}

/** Another import that has a row about one of these patients is being undone. The bundle is tried again later. */
class BeingUndone extends Error {}

const isTemporary = (error: unknown): boolean =>
  error instanceof NeighbourAway || error instanceof BeingUndone || isLockTimeout(error);
