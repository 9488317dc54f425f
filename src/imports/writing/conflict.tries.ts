import { sentOf } from './sent.rows.js';
import type { RowDecision } from './row.decision.js';

/** The maximum number of conflicts of one row, if each look-up finds that the server has changed. */
const MOST_CONFLICTS = 6;

/**
 * Counts the conflicts of rows. A conflict is worth another attempt while the resources on the server change. If the same write had a conflict
 * twice, a third attempt would have it too.
 */
export class ConflictTries {
  private readonly byRow = new Map<number, { writes: string; same: number; all: number }>();

  /** Counts a conflict of a decision. Returns whether the row is worth another attempt. */
  count(decision: RowDecision): boolean {
    const writes = JSON.stringify(sentOf(decision));
    const before = this.byRow.get(decision.planned.row);
    const tries = {
      writes,
      same: before?.writes === writes ? before.same + 1 : 1,
      all: (before?.all ?? 0) + 1,
    };
    this.byRow.set(decision.planned.row, tries);
    return tries.same < 2 && tries.all <= MOST_CONFLICTS;
  }
}
