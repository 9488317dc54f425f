import { type Issue, issue } from './issue.js';
import type { IssueCode } from './issue.codes.js';
import type { MappingDocument } from './mapping.document.js';
import { mergePatient, planHash } from './owned.merge.js';
import { type Difference, differencesOf } from './person.js';
import { withNarrative } from './records/resource.metadata.js';
import { hasSameValue } from './result.value.js';
import type { PlannedResult, RowPlan } from './row.plan.js';

/** A mapped row that is compared with other rows of the file. */
export interface GroupedRow {
  readonly row: number;
  readonly plan: RowPlan;
}

/**
 * The result for a row. The row is written with `plan`, or it is a duplicate or rejected for the reason in `code`. `otherRow` is the row of
 * the same patient that is written instead. If no row of the patient is written, `otherRow` is the previous row of the patient. For the first
 * row of the patient, it is the next row.
 */
export type RowResult =
  | { readonly row: number; readonly result: 'write'; readonly plan: RowPlan }
  | {
      readonly row: number;
      readonly result: 'duplicate' | 'rejected';
      readonly code: IssueCode;
      readonly otherRow: number;
    };

/**
 * Applies the duplicate policy to the rows of one patient in one file, in the order of the file. If all rows have equal content, every
 * policy writes the first row only. If the rows differ, the policy `error` rejects all of them, because it is unknown which row is right.
 */
export function resolveDuplicates(
  group: readonly GroupedRow[],
  policy: MappingDocument['policies']['duplicate_in_file'],
): RowResult[] {
  const [first] = group;
  if (first === undefined) return [];
  const rest = group.slice(1);
  const hash = planHash(first.plan);
  if (rest.every(({ plan }) => planHash(plan) === hash))
    return [
      write(first.row, first.plan),
      ...rest.map(({ row }) => duplicate(row, 'duplicate-same', first.row)),
    ];
  if (policy === 'error')
    return group.map(({ row }, at) => ({
      row,
      result: 'rejected',
      code: 'duplicate-in-file',
      otherRow: (group[at - 1] ?? group[at + 1] ?? first).row,
    }));
  if (policy === 'merge') {
    const merged = rest.reduce((plan, next) => mergePlans(plan, next.plan), first.plan);
    return [
      write(first.row, merged),
      ...rest.map(({ row }) => duplicate(row, 'duplicate-merged', first.row)),
    ];
  }
  const used = policy === 'first' ? first : (group.at(-1) ?? first);
  return group.map((one) =>
    one.row === used.row ? write(one.row, one.plan) : duplicate(one.row, 'duplicate-set-aside', used.row),
  );
}

/**
 * The rows that have an identifier in common with another row but differ from that row in the main identifier (`RowPlan.identities`).
 * Either both rows are about one patient, or one of the identifiers is wrong. The result maps each of these rows to such another row.
 */
export function rowsWithSharedIdentifiers(rows: readonly GroupedRow[]): ReadonlyMap<number, number> {
  const holders = new Map<string, GroupedRow[]>();
  for (const one of rows)
    for (const key of one.plan.identityKeys) holders.set(key, [...(holders.get(key) ?? []), one]);
  const found = new Map<number, number>();
  for (const group of holders.values())
    for (const { row, plan } of group) {
      const other = group.find((one) => one.plan.patientKey !== plan.patientKey);
      if (other !== undefined && !found.has(row)) found.set(row, other.row);
    }
  return found;
}

/** A row that contradicts an earlier row with the same main identifier (`other`). The rows can be about two persons. */
export interface ContradictingRow<Row extends GroupedRow> {
  readonly row: Row;
  readonly other: Row;
  readonly differences: readonly Difference[];
}

/**
 * The rows that contradict an earlier row with the same main identifier in birth date, gender or given name. `group` has the rows with this
 * identifier in the order of the file. The earlier rows count as the patient with the identifier.
 */
export function contradictingRows<Row extends GroupedRow>(group: readonly Row[]): ContradictingRow<Row>[] {
  const accepted = new Map<string, Row>();
  return group.flatMap((row) => {
    if (accepted.has(row.plan.person)) return [];
    for (const other of accepted.values()) {
      const differences = differencesOf(row.plan.patient, other.plan.patient);
      if (differences.length > 0) return [{ row, other, differences }];
    }
    accepted.set(row.plan.person, row);
    return [];
  });
}

const write = (row: number, plan: RowPlan): RowResult => ({ row, result: 'write', plan });
const duplicate = (row: number, code: IssueCode, otherRow: number): RowResult => ({
  row,
  result: 'duplicate',
  code,
  otherRow,
});

/**
 * Merges two plans of one patient. Where the plans differ, the later plan wins. Conditions and Observations are matched by their
 * identifiers. If the plans have different values for one result, neither value is in the merged plan.
 */
export function mergePlans(earlier: RowPlan, later: RowPlan): RowPlan {
  const [first, ...others] = earlier.identities;
  const known = new Set([first, ...others].map(({ system, value }) => `${system}|${value}`));
  const results = mergeResults(earlier, later);
  const added = later.identities.filter(({ system, value }) => !known.has(`${system}|${value}`));
  return {
    ...later,
    identityKeys: [...new Set([...earlier.identityKeys, ...later.identityKeys])],
    identities: [first, ...others, ...added],
    patient: withNarrative(earlier.patient, mergePatient(earlier.patient, later.patient).resource),
    conditions: mergeRecords(earlier.conditions, later.conditions),
    observations: mergeRecords(earlier.observations, later.observations).filter(
      ({ identifier }) => results[identifier?.[0]?.value ?? '']?.conflict !== true,
    ),
    ...(earlier.further === undefined && later.further === undefined
      ? {}
      : { further: mergeRecords(earlier.further ?? [], later.further ?? []) }),
    results,
    ...(earlier.chosen === undefined
      ? {}
      : { chosen: { ...earlier.chosen, keys: { ...later.chosen?.keys, ...earlier.chosen.keys } } }),
    merged: true,
    uses: [...earlier.uses, ...later.uses],
    formerRecords: { ...earlier.formerRecords, ...later.formerRecords },
    waiting: [
      ...earlier.waiting,
      ...later.waiting.filter((word) => !isWaiting(earlier, word.column, word.text)),
    ],
  };
}

function mergeResults(earlier: RowPlan, later: RowPlan): RowPlan['results'] {
  const known = new Map(earlier.observations.map((one) => [one.identifier?.[0]?.value, one]));
  const conflicts = later.observations.flatMap((one): [string, PlannedResult][] => {
    const key = one.identifier?.[0]?.value ?? '';
    const other = known.get(key);
    if (other === undefined || hasSameValue(one, other)) return [];
    return [[key, { aliases: [], ...later.results[key], conflict: true }]];
  });
  return { ...later.results, ...earlier.results, ...Object.fromEntries(conflicts) };
}

/** The findings about results that have different values in the merged rows of a patient. */
export const conflictsIn = ({ results }: RowPlan): Issue[] =>
  Object.values(results).flatMap(({ conflict, column }) =>
    conflict === true ? [issue('result-conflict', column, 'warning')] : [],
  );

const isWaiting = ({ waiting }: RowPlan, column: string, text: string) =>
  waiting.some((word) => word.column === column && word.text === text);

function mergeRecords<Resource extends { identifier?: { value?: string }[] }>(
  earlier: readonly Resource[],
  later: readonly Resource[],
): Resource[] {
  const byKey = new Map(
    [...earlier, ...later].map((resource) => [resource.identifier?.[0]?.value, resource]),
  );
  return [...byKey.values()];
}
