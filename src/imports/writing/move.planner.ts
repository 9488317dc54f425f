import { Injectable } from '@nestjs/common';
import type { RowPlan } from '../../mapping/row.plan.js';
import { RECORD_KEY_SYSTEM } from '../../mapping/values/identity.js';
import { Imports } from '../jobs/imports.service.js';
import { MappingContexts } from '../jobs/mapping.contexts.js';
import { ChunkStore } from './chunk.store.js';
import { keyIn, type Move } from './correction.plan.js';
import { MergedRows } from './merged.rows.js';
import type { PlannedRow } from './row.decision.js';
import type { StaleUse } from './stale.uses.js';

/** The moves of some uses, and the patient keys of their rows for the locks, by the id of the use. */
export interface PlannedMoves {
  readonly moves: readonly Move[];
  /** The uses whose rows were deleted, or no longer give this word. Their records stay as they are. */
  readonly lost: readonly StaleUse[];
  readonly keys: ReadonlyMap<number, readonly string[]>;
}

/** Maps the rows of stale uses again, to get the records that the current decision gives. The rows themselves do not change. */
@Injectable()
export class MovePlanner {
  constructor(
    private readonly imports: Imports,
    private readonly contexts: MappingContexts,
    private readonly chunks: ChunkStore,
    private readonly merged: MergedRows,
  ) {}

  /** Plans the moves of uses that belong to one import. */
  async plan(term: string, uses: readonly StaleUse[]): Promise<PlannedMoves> {
    const plans = await this.plansOf(uses);
    const moves: Move[] = [];
    const lost: StaleUse[] = [];
    const keys = new Map<number, readonly string[]>();
    for (const use of uses) {
      const plan = plans.get(use.row);
      const own = plan?.uses.filter(({ decision }) => decision?.term === term) ?? [];
      const [current] = own;
      if (plan === undefined || current === undefined) {
        lost.push(use);
        continue;
      }
      const record = [...plan.conditions, ...plan.observations].find(
        (one) => current.record !== undefined && keyIn(RECORD_KEY_SYSTEM, one) === current.record,
      );
      moves.push({ use, uses: own, ...(record === undefined ? {} : { record }) });
      keys.set(use.id, plan.identityKeys);
    }
    return { moves, lost, keys };
  }

  private async plansOf(uses: readonly StaleUse[]): Promise<Map<number, RowPlan>> {
    const [first] = uses;
    if (first === undefined) return new Map();
    const record = await this.imports.get(first.importId);
    if (record.forgottenAt !== null) return new Map();
    const mapper = await this.contexts.mapper(record);
    const rows = await this.chunks.rows(record.id, [...new Set(uses.map(({ chunk }) => chunk))]);
    const planned: PlannedRow[] = [];
    for (const row of new Set(uses.map((use) => use.row))) {
      const read = rows.get(row);
      const outcome = read === undefined ? undefined : (await mapper.map(read)).outcome;
      if (outcome?.outcome === 'planned') planned.push({ row, plan: outcome.plan, issues: outcome.issues });
    }
    const all = await this.merged.merge(record.id, planned, mapper);
    return new Map(all.map(({ row, plan }) => [row, plan]));
  }
}
