import { FhirConflict, FhirRefused } from '../../fhir/fhir.errors.js';
import type { NamedEntry } from '../../fhir/named.entries.js';
import { issue } from '../../mapping/issue.js';
import type { ConflictTries } from './conflict.tries.js';
import type { GroupAnswer } from './refusal.search.js';
import { activeWrites, type PlannedRow, type RowDecision } from './row.decision.js';
import type { StoredRowOutcome, StoredWrite } from './row.store.js';

/**
 * The answer of the server to a group of rows that it rejected. `elements` gets the rejected element of each named row. Throws other errors,
 * and a conflict without a name that is worth another attempt.
 */
export function answerOf(
  error: unknown,
  group: readonly RowDecision[],
  conflicts: ConflictTries,
  elements: Map<RowDecision, string>,
): GroupAnswer<RowDecision> {
  // The server may have carried out a transaction whose response cannot be read.
  if (error instanceof FhirRefused && error.status >= 400) {
    if (error.status === 413) return { kind: 'too-large' };
    return { kind: 'refused', named: namedIn(group, error.named, elements) };
  }
  if (!(error instanceof FhirConflict)) throw error;
  const named = namedIn(group, error.named, elements);
  const again = (named.length === 0 ? group : named).filter((one) => conflicts.count(one));
  if (named.length === 0) {
    if (again.length > 0) throw error;
    return { kind: 'refused', named };
  }
  const [first, ...more] = again;
  return first === undefined ? { kind: 'refused', named } : { kind: 'changed', named: [first, ...more] };
}

/** The rows to which the named entries of their transaction belong. */
function namedIn(
  group: readonly RowDecision[],
  named: readonly NamedEntry[],
  elements: Map<RowDecision, string>,
): RowDecision[] {
  const owners = group.flatMap((decision) =>
    decision.writes === undefined ? [] : activeWrites(decision.writes).map(() => decision),
  );
  const rows = named.flatMap(({ entry, element }) => {
    const owner = owners[entry];
    if (owner !== undefined) elements.set(owner, element);
    return owner ?? [];
  });
  return [...new Set(rows)];
}

/** The outcome of a row that the server rejected. `element` is the rejected element, if the server named it. */
export function rejectedOutcome(
  { row, issues }: PlannedRow,
  writes: readonly StoredWrite[] = [],
  element?: string,
): StoredRowOutcome {
  const reason = { ...issue('fhir-refused'), ...(element === undefined ? {} : { element }) };
  return { row, state: 'rejected', issues: [...issues, reason], changes: [], writes };
}
