import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { jittered } from '../../fhir/fhir.calls.js';
import { FhirConflict, FhirRefused } from '../../fhir/fhir.errors.js';
import { FhirRecords } from '../../fhir/fhir.records.js';
import { issue } from '../../mapping/issue.js';
import { buildTransaction } from '../../mapping/transaction.bundle.js';
import { NeighbourAway } from '../../problems/errors.js';
import { ImportLocks, isLockTimeout } from './import.locks.js';
import { ImportDependencies } from './import.dependencies.js';
import {
  activeWrites,
  decide,
  type KnownResources,
  type PlannedRow,
  recordTokens,
  tokensOf,
} from './row.decision.js';
import type { StoredRowOutcome } from './row.store.js';
import { adopted, announcementOf, outcomeOf, type Sent, wasRaced, writesOf } from './sent.rows.js';

/** How a bundle is to be treated. */
export interface WriteOptions {
  readonly importId: string;
  readonly send: boolean;
  readonly policy: 'upsert' | 'create_only';
  /** Ends the wait for a server that is away. */
  readonly signal: AbortSignal;
  /** Rows whose answer, or process, was lost, with what was sent for them: what is found of it now is this import's. */
  readonly sent: Map<number, readonly Sent[]>;
  /** Told before something is sent: all that is in `sent` by then. */
  readonly announce: () => Promise<void>;
  /** Whether the import still runs. */
  readonly wanted: () => Promise<boolean>;
  /** Keeps outcomes; asked for while nobody else may work on these patients. */
  readonly save: (outcomes: readonly StoredRowOutcome[]) => Promise<void>;
}

const CONFLICTS = 6;

/**
 * Brings the patients of some rows to the server in one transaction: looks them up, decides, sends, counts the answers, keeps the outcomes.
 * Refused bundles are halved down to the row that is refused; a server that is away is waited for; what may have been done is looked
 * up again.
 */
@Injectable()
export class BundleWriter {
  constructor(
    private readonly records: FhirRecords,
    private readonly locks: ImportLocks,
    private readonly reliance: ImportDependencies,
  ) {}

  /** `false` when nobody wants the import any more; each row has an outcome otherwise. Throws when the signal ends the wait, and what is no answer of the server. */
  async write(rows: readonly PlannedRow[], options: WriteOptions): Promise<boolean> {
    const keys = rows.flatMap(({ plan }) => plan.identityKeys);
    let conflicts = 0;
    for (let attempt = 1; ; attempt += 1) {
      options.signal.throwIfAborted();
      try {
        return await this.locks.writing(options.importId, keys, () => this.attempt(rows, options, true));
      } catch (error) {
        if (error instanceof FhirRefused || (error instanceof FhirConflict && conflicts >= CONFLICTS))
          return await this.halve(rows, options);
        if (error instanceof FhirConflict) conflicts += 1;
        else if (!isPassing(error)) throw error;
        // Who waits for long must hear that the import was cancelled.
        if (!(await options.wanted())) return false;
        await sleep(jittered(attempt), undefined, { signal: options.signal });
      }
    }
  }

  private async attempt(
    rows: readonly PlannedRow[],
    options: WriteOptions,
    mayWait: boolean,
  ): Promise<boolean> {
    if (!(await options.wanted())) return false;
    const known = await this.lookUp(rows);
    const found = known.patients.map(({ id }) => id);
    if (mayWait && (await this.reliance.isBeingUndone(options.importId, found))) throw new BeingUndone();
    const decisions = rows.map((row) => decide(row, known, options.policy));
    const before = (row: number) => (options.send ? (options.sent.get(row) ?? []) : []);
    const writes = decisions.flatMap((decision) => decision.writes ?? []);
    if (!options.send || writes.length === 0) {
      await this.keep(
        decisions.map((one) => outcomeOf(one, adopted(one, known, before(one.planned.row)))),
        options,
      );
      return true;
    }
    // Found now, before what is about to be sent is told.
    const own = new Map(decisions.map((one) => [one, adopted(one, known, before(one.planned.row))]));
    for (const decision of decisions) {
      const { row } = decision.planned;
      const told = announcementOf(decision);
      if (told.length > 0) options.sent.set(row, [...before(row), ...told]);
    }
    await options.announce();
    const answers = await this.records.transaction(buildTransaction(writes).bundle);
    let at = 0;
    const raced: PlannedRow[] = [];
    const outcomes = decisions.flatMap((decision) => {
      const sent = decision.writes === undefined ? [] : activeWrites(decision.writes);
      const answered = answers.slice(at, (at += sent.length));
      if (!wasRaced(sent, answered))
        return outcomeOf(decision, [...(own.get(decision) ?? []), ...writesOf(sent, answered)]);
      raced.push(decision.planned);
      return [];
    });
    await this.keep(outcomes, options);
    // Somebody else made these patients meanwhile: what the row says is still to be merged into them.
    return raced.length === 0 || this.attempt(raced, options, false);
  }

  private async keep(outcomes: readonly StoredRowOutcome[], options: WriteOptions): Promise<void> {
    await options.save(outcomes);
    for (const { row } of outcomes) options.sent.delete(row);
  }

  private async lookUp(rows: readonly PlannedRow[]): Promise<KnownResources> {
    const plans = rows.map(({ plan }) => plan);
    const conditions = recordTokens(plans.flatMap((plan) => plan.conditions));
    const observations = recordTokens(plans.flatMap((plan) => plan.observations));
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
      await this.keep(refused, options);
      return true;
    }
    const middle = rows.length >> 1;
    return (
      (await this.write(rows.slice(0, middle), options)) && (await this.write(rows.slice(middle), options))
    );
  }
}

/** What is found is being taken back by the undo of another import: it is looked up again later. */
class BeingUndone extends Error {}

const isPassing = (error: unknown): boolean =>
  error instanceof NeighbourAway || error instanceof BeingUndone || isLockTimeout(error);
