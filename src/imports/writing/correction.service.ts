import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { jittered } from '../../fhir/fhir.calls.js';
import { FhirConflict, FhirRefused } from '../../fhir/fhir.errors.js';
import { FhirRecords } from '../../fhir/fhir.records.js';
import { makeCorrectionProvenance } from '../../mapping/correction.provenance.js';
import { RECORD_KEY_SYSTEM, steadyUuid } from '../../mapping/values/identity.js';
import { WITHDRAWN_KEY_SYSTEM } from '../../mapping/withdrawn.record.js';
import { NeighbourAway } from '../../problems/errors.js';
import { Imports } from '../jobs/imports.service.js';
import { isUndone } from '../jobs/import.ending.js';
import { ImportDependencies } from './import.dependencies.js';
import { ImportLocks, isLockTimeout } from './import.locks.js';
import {
  bundleOf,
  confirmedWrites,
  type FoundRecords,
  keyIn,
  lostWrites,
  type Move,
  planMoves,
  transactionOf,
} from './correction.plan.js';
import { MovePlanner } from './move.planner.js';
import type { StoredWrite } from './row.store.js';
import { SentCorrection, StaleUses, type StaleUse } from './stale.uses.js';

/** The maximum number of retries after conflicts. After the next conflict, the bundle is halved. */
const MOST_CONFLICTS = 6;

interface Decision {
  readonly term: string;
  readonly revision: number;
  readonly person: { readonly value?: string; readonly display: string };
  readonly reason?: string;
  readonly decidedAt: string;
}

/**
 * Corrects the records that an older decision about a word has given. An old record becomes `entered-in-error`, the new record is written,
 * and a Provenance names the person and the reason. Nothing is deleted. A job that was interrupted continues with the uses that are left.
 */
@Injectable()
export class Corrections {
  private readonly logger = new Logger('imports');

  constructor(
    private readonly stale: StaleUses,
    private readonly planner: MovePlanner,
    private readonly records: FhirRecords,
    private readonly imports: Imports,
    private readonly locks: ImportLocks,
    private readonly dependencies: ImportDependencies,
  ) {}

  /** Corrects all records of a word. Waits while the FHIR server does not answer. Throws when the signal is aborted. */
  async run(term: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const decision = await this.decisionOf(term);
      if (decision === undefined) return;
      const uses = await this.stale.next(term, decision.revision);
      if (uses.length === 0) return;
      const { moves, lost, keys } = await this.planner.plan(term, uses);
      if (lost.length > 0) {
        this.logger.warn(
          `${lost.length} records of term ${term} keep an old decision: their rows were deleted`,
        );
        await this.stale.save(
          decision.revision,
          lost.map((use) => ({ use, writes: [] })),
          [],
        );
      }
      if (moves.length > 0) await this.move(decision, moves, keys, signal);
    }
  }

  private async decisionOf(id: string): Promise<Decision | undefined> {
    const term = await this.stale.term(id);
    if (term === undefined) return undefined;
    const { revision, decidedAccount, decidedBy, reason, decidedAt } = term;
    return {
      term: id,
      revision,
      person: {
        display: decidedBy ?? 'unknown',
        ...(decidedAccount === null ? {} : { value: decidedAccount }),
      },
      ...(reason === null ? {} : { reason }),
      decidedAt: (decidedAt ?? new Date()).toISOString(),
    };
  }

  /** Moves the records in one transaction. Halves a rejected transaction until a single use is rejected. */
  private async move(
    decision: Decision,
    moves: readonly Move[],
    keys: ReadonlyMap<number, readonly string[]>,
    signal: AbortSignal,
  ): Promise<void> {
    const [first] = moves;
    if (first === undefined) return;
    const patients = moves.flatMap(({ use }) => keys.get(use.id) ?? []);
    const sent = new Map(
      moves.flatMap(({ use }) => {
        const { data } = SentCorrection.safeParse(use.sent);
        return data === undefined ? [] : [[use.id, data] as const];
      }),
    );
    let conflicts = 0;
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted();
      try {
        return await this.locks.withBundleLocks(first.use.importId, patients, () =>
          this.attempt(decision, moves, sent),
        );
      } catch (error) {
        if (error instanceof FhirRefused || (error instanceof FhirConflict && conflicts >= MOST_CONFLICTS)) {
          const middle = moves.length >> 1;
          if (middle === 0) return await this.giveUp(decision, first);
          await this.move(decision, moves.slice(0, middle), keys, signal);
          return await this.move(decision, moves.slice(middle), keys, signal);
        }
        if (error instanceof FhirConflict) conflicts += 1;
        else if (
          !(error instanceof NeighbourAway) &&
          !isLockTimeout(error) &&
          !(error instanceof BeingUndone)
        )
          throw error;
        await sleep(jittered(attempt), undefined, { signal });
      }
    }
  }

  /** Keeps a record that the FHIR server does not let the gateway change. */
  private async giveUp(decision: Decision, { use }: Move): Promise<void> {
    this.logger.warn(`the FHIR server rejected the correction of a record of term ${decision.term}`);
    await this.stale.save(decision.revision, [{ use, writes: [] }], []);
  }

  private async attempt(
    decision: Decision,
    planned: readonly Move[],
    sent: Map<number, SentCorrection>,
  ): Promise<void> {
    // Before this attempt got its locks, an undo may have removed the records, so that there is nothing left to correct.
    const present = await this.stale.present(planned.map(({ use }) => use.id));
    const moves = planned.filter(({ use }) => present.has(use.id));
    const [first] = moves;
    if (first === undefined || isUndone(await this.imports.get(first.use.importId))) return;
    const patients = moves.flatMap(({ use }) => use.about ?? []);
    if (await this.dependencies.isBeingUndone(first.use.importId, patients)) throw new BeingUndone();
    const found = await this.find(moves);
    const lost = new Map(moves.map((move) => [move.use.id, lostWrites(move, sent.get(move.use.id), found)]));
    const common = await this.lostProvenances(sent);
    const supported = await this.stale.supported(
      decision.term,
      decision.revision,
      moves.flatMap(({ use }) => (use.record === '' ? [] : [use.record])),
    );
    const writes = planMoves(moves, found, supported);
    const transaction = transactionOf(writes);
    const confirmed =
      transaction.entries.length === 0
        ? new Map<number, StoredWrite[]>()
        : await this.send(decision, first.use, transaction, writes, sent, common);
    const corrected = moves.map(({ use, uses }) => ({
      use,
      uses,
      writes: [...(lost.get(use.id) ?? []), ...(confirmed.get(use.id) ?? [])],
    }));
    await this.stale.save(decision.revision, corrected, common);
  }

  /** Sends a transaction with its Provenance, and adds the write of the Provenance to `common`. */
  private async send(
    decision: Decision,
    { id: use }: StaleUse,
    transaction: ReturnType<typeof transactionOf>,
    planned: ReturnType<typeof planMoves>,
    sent: Map<number, SentCorrection>,
    common: StoredWrite[],
  ): Promise<Map<number, StoredWrite[]>> {
    const id = steadyUuid(`correction ${decision.term} ${decision.revision} ${use}`);
    for (const { move, old, created } of planned) {
      if (old === undefined && created === undefined) continue;
      const before = old?.meta?.versionId;
      const creates = created !== undefined;
      sent.set(move.use.id, { creates, provenance: id, ...(before === undefined ? {} : { before }) });
    }
    await this.stale.recordSent(sent);
    const { term, person, reason, decidedAt } = decision;
    const provenance = makeCorrectionProvenance({
      id,
      term,
      targets: transaction.targets,
      recorded: decidedAt,
      agent: person,
      ...(reason === undefined ? {} : { reason }),
    });
    const answers = await this.records.transaction(
      bundleOf(transaction, {
        fullUrl: `urn:uuid:${id}`,
        resource: provenance,
        request: { method: 'PUT', url: `Provenance/${id}` },
      }),
    );
    const last = answers.at(-1);
    if (last !== undefined && !common.some((one) => one.id === last.id))
      common.push({ kind: 'Provenance', id: last.id, after: last.version });
    return confirmedWrites(transaction, answers);
  }

  private async find(moves: readonly Move[]): Promise<FoundRecords> {
    const keys = new Set(
      moves.flatMap(({ use, uses }) => [use.record, ...uses.map(({ record }) => record ?? '')]),
    );
    keys.delete('');
    const tokens = [...keys].flatMap((value) =>
      [RECORD_KEY_SYSTEM, WITHDRAWN_KEY_SYSTEM].map((system) => ({ system, value })),
    );
    const [conditions, observations] = await Promise.all([
      this.records.withIdentifiers('Condition', tokens),
      this.records.withIdentifiers('Observation', tokens),
    ]);
    const all = [...conditions, ...observations];
    const valid = all.flatMap((record) => {
      const key = keyIn(RECORD_KEY_SYSTEM, record);
      return key === undefined ? [] : [[key, record] as const];
    });
    return {
      valid: new Map(valid),
      withdrawn: all.filter((record) => keyIn(WITHDRAWN_KEY_SYSTEM, record) !== undefined),
    };
  }

  /** The Provenances of transactions that succeeded although their responses were lost. */
  private async lostProvenances(sent: ReadonlyMap<number, SentCorrection>): Promise<StoredWrite[]> {
    const references = [...new Set([...sent.values()].map(({ provenance }) => `Provenance/${provenance}`))];
    const found = await this.records.readAll(references);
    return [...found.values()].flatMap(({ id, meta }) =>
      id === undefined ? [] : [{ kind: 'Provenance', id, after: meta?.versionId ?? '1' }],
    );
  }
}

/** Another import that has a row about one of these patients is being undone. The transaction is tried again later. */
class BeingUndone extends Error {}
