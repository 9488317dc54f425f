import { setTimeout as sleep } from 'node:timers/promises';
import type { Resource } from '@medplum/fhirtypes';
import { Injectable } from '@nestjs/common';
import { jittered } from '../fhir/fhir.calls.js';
import { FhirConflict, FhirRefused } from '../fhir/fhir.errors.js';
import { type EntryOutcome, FhirRecords } from '../fhir/fhir.records.js';
import type { Stored } from '../fhir/fhir.resources.js';
import { issue } from '../mapping/issue.js';
import { buildTransaction, type Write as Sent } from '../mapping/transaction.bundle.js';
import { NeighbourAway } from '../problems/errors.js';
import { PatientLocks } from './patient.locks.js';
import {
  type Decision,
  activeWrites,
  decide,
  isOf,
  type Known,
  type PlannedRow,
  recordTokens,
  tokensOf,
} from './row.decision.js';
import type { RowOutcome, Write } from './row.store.js';

/** How a bundle is to be treated. */
export interface WriteOptions {
  readonly send: boolean;
  readonly policy: 'upsert' | 'create_only';
  /** Ends the wait for a server that is away. */
  readonly signal: AbortSignal;
  /** Rows whose Patient was being created when an answer, or a process, was lost: what is found of them now is this import's. */
  readonly creating: Set<number>;
  /** Told before something is sent: the rows whose Patient will be new. */
  readonly announce: (rows: readonly number[]) => Promise<void>;
}

const CONFLICTS = 6;

/**
 * Brings the patients of some rows to the server in one transaction: looks them up, decides, sends, counts the answers. Refused bundles are
 * halved down to the row that is refused; a server that is away is waited for; what may have been done is looked up again.
 */
@Injectable()
export class BundleWriter {
  constructor(
    private readonly records: FhirRecords,
    private readonly locks: PatientLocks,
  ) {}

  /** One outcome for each row. Throws when the signal ends the wait, and what is no answer of the server. */
  async write(rows: readonly PlannedRow[], options: WriteOptions): Promise<RowOutcome[]> {
    let conflicts = 0;
    for (let attempt = 1; ; attempt += 1) {
      options.signal.throwIfAborted();
      try {
        const keys = rows.flatMap(({ plan }) => plan.identityKeys);
        return await this.locks.holding(keys, () => this.attempt(rows, options));
      } catch (error) {
        if (error instanceof FhirRefused || (error instanceof FhirConflict && conflicts >= CONFLICTS))
          return await this.halve(rows, options);
        if (error instanceof FhirConflict) conflicts += 1;
        else if (!(error instanceof NeighbourAway) && !isLockTimeout(error)) throw error;
        await sleep(jittered(attempt), undefined, { signal: options.signal });
      }
    }
  }

  private async attempt(rows: readonly PlannedRow[], options: WriteOptions): Promise<RowOutcome[]> {
    const known = await this.lookUp(rows);
    const decisions = rows.map((row) => decide(row, known, options.policy));
    const writes = decisions.flatMap((decision) => decision.writes ?? []);
    if (!options.send || writes.length === 0)
      return decisions.map((decision) => outcomeOf(decision, adopted(decision, known, options)));
    for (const { planned } of decisions.filter(isNew)) options.creating.add(planned.row);
    await options.announce([...options.creating]);
    const answers = await this.records.transaction(buildTransaction(writes).bundle);
    let at = 0;
    return decisions.map((decision) => {
      const sent = decision.writes === undefined ? [] : activeWrites(decision.writes);
      const own = answers.slice(at, (at += sent.length));
      return outcomeOf(decision, [...adopted(decision, known, options), ...writesOf(sent, own)]);
    });
  }

  private async lookUp(rows: readonly PlannedRow[]): Promise<Known> {
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

  private async halve(rows: readonly PlannedRow[], options: WriteOptions): Promise<RowOutcome[]> {
    const [only] = rows;
    if (rows.length <= 1 || only === undefined)
      return rows.map(({ row, issues }) => ({
        row,
        state: 'rejected',
        issues: [...issues, issue('fhir-refused')],
        changes: [],
        writes: [],
      }));
    const middle = rows.length >> 1;
    return [
      ...(await this.write(rows.slice(0, middle), options)),
      ...(await this.write(rows.slice(middle), options)),
    ];
  }
}

const isNew = ({ writes }: Decision) => writes?.patient.action === 'create';

function outcomeOf({ planned, state, changes, issues }: Decision, writes: readonly Write[]): RowOutcome {
  // What this import created before its process was killed is still created by it.
  const own = state === 'unchanged' && writes.length > 0 ? 'created' : state;
  return { row: planned.row, state: own, issues, changes, writes };
}

/** What a process that was killed wrote for a row, as far as it stands as it was written. */
function adopted({ planned }: Decision, known: Known, { creating, send }: WriteOptions): Write[] {
  if (!send || !creating.has(planned.row)) return [];
  const { plan } = planned;
  const found: Stored<Resource>[] = known.patients.filter((patient) => isOf(plan, patient));
  for (const { value } of recordTokens([...plan.conditions, ...plan.observations])) {
    const record = known.records.get(value);
    if (record !== undefined) found.push(record);
  }
  return found
    .filter(({ meta }) => meta?.versionId === '1')
    .map(({ resourceType, id }) => ({ kind: resourceType, id, after: '1' }));
}

function writesOf(sent: readonly Sent<Resource>[], answers: readonly EntryOutcome[]): Write[] {
  return answers.flatMap(({ status, kind, id, version }, at): Write[] => {
    const write = sent[at];
    if (write?.action === 'update') return [{ kind, id, before: write.version, after: version }];
    // 200 to a creation: somebody else was faster, and nothing was written.
    return status === 201 ? [{ kind, id, after: version }] : [];
  });
}

/** Postgres ended a statement that waited too long: somebody else works on these patients. */
function isLockTimeout(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === '57014';
}
