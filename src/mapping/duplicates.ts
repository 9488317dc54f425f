import type { IssueCode } from './issue.codes.js';
import type { MappingDocument } from './mapping.document.js';
import { mergePatient, planHash } from './owned.merge.js';
import type { RowPlan } from './row.plan.js';

/** A row of a group that speaks of one patient. */
export interface GroupedRow {
  readonly row: number;
  readonly plan: RowPlan;
}

/** What becomes of it: its plan is carried out, or it is counted as duplicate or rejected with a reason. */
export type Settled =
  | { readonly row: number; readonly fate: 'write'; readonly plan: RowPlan }
  | { readonly row: number; readonly fate: 'duplicate' | 'rejected'; readonly code: IssueCode };

/**
 * Decides about the rows of one file that have one patient, in the order of the file. Rows that say exactly the same are written
 * once whatever the policy; otherwise `error` rejects them all, since nobody knows which is right.
 */
export function settleDuplicates(
  group: readonly GroupedRow[],
  policy: MappingDocument['policies']['duplicate_in_file'],
): Settled[] {
  const [first] = group;
  if (first === undefined) return [];
  const rest = group.slice(1);
  const hash = planHash(first.plan);
  if (rest.every(({ plan }) => planHash(plan) === hash))
    return [write(first.row, first.plan), ...rest.map(({ row }) => duplicate(row, 'duplicate-same'))];
  if (policy === 'error')
    return group.map(({ row }) => ({ row, fate: 'rejected', code: 'duplicate-in-file' }));
  if (policy === 'merge') {
    const merged = rest.reduce((plan, next) => mergePlans(plan, next.plan), first.plan);
    return [write(first.row, merged), ...rest.map(({ row }) => duplicate(row, 'duplicate-merged'))];
  }
  const taken = policy === 'first' ? first : (group.at(-1) ?? first);
  return group.map((one) =>
    one.row === taken.row ? write(one.row, one.plan) : duplicate(one.row, 'duplicate-set-aside'),
  );
}

/** The rows that share an identifier and begin with different ones: one patient or a wrong number, and nobody can tell which. */
export function sharingRows(rows: readonly GroupedRow[]): ReadonlySet<number> {
  const holders = new Map<string, GroupedRow[]>();
  for (const one of rows)
    for (const key of one.plan.identityKeys) holders.set(key, [...(holders.get(key) ?? []), one]);
  const shared = [...holders.values()].filter(
    (group) => new Set(group.map(({ plan }) => plan.patientKey)).size > 1,
  );
  return new Set(shared.flat().map(({ row }) => row));
}

const write = (row: number, plan: RowPlan): Settled => ({ row, fate: 'write', plan });
const duplicate = (row: number, code: IssueCode): Settled => ({ row, fate: 'duplicate', code });

/** Two plans of one patient as one: the later says what both say, records are united by their identifiers. */
export function mergePlans(earlier: RowPlan, later: RowPlan): RowPlan {
  const [first, ...others] = earlier.identities;
  const known = new Set([first, ...others].map(({ system, value }) => `${system}|${value}`));
  const fresh = later.identities.filter(({ system, value }) => !known.has(`${system}|${value}`));
  return {
    ...later,
    identityKeys: [...new Set([...earlier.identityKeys, ...later.identityKeys])],
    identities: [first, ...others, ...fresh],
    patient: mergePatient(earlier.patient, later.patient).resource,
    conditions: united(earlier.conditions, later.conditions),
    observations: united(earlier.observations, later.observations),
    waiting: [
      ...earlier.waiting,
      ...later.waiting.filter((word) => !isWaiting(earlier, word.column, word.text)),
    ],
  };
}

const isWaiting = ({ waiting }: RowPlan, column: string, text: string) =>
  waiting.some((word) => word.column === column && word.text === text);

function united<Resource extends { identifier?: { value?: string }[] }>(
  earlier: readonly Resource[],
  later: readonly Resource[],
): Resource[] {
  const byKey = new Map(
    [...earlier, ...later].map((resource) => [resource.identifier?.[0]?.value, resource]),
  );
  return [...byKey.values()];
}
