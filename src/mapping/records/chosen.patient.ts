import { recordKey, recordsOf } from './record.kinds.js';
import { renameRecords } from './renamed.records.js';
import type { RowPlan } from '../row.plan.js';
import { type IdentityKey, keyedDigest } from '../values/identity.js';

/**
 * The plan of a row for the Patient with this id, which a person has chosen from several Patients with the identifiers of the row. Both keys
 * of a record are looked up. The same row and Patient always give the same plan, so the list can be sent again.
 */
export function choosePatient(plan: RowPlan, id: string, key: IdentityKey): RowPlan {
  if (plan.chosen?.id === id) return plan;
  const keys = Object.fromEntries(
    recordsOf(plan).map((record) => [recordKey(record), keyedDigest(key, ['chosen', id, recordKey(record)])]),
  );
  const results = Object.fromEntries(
    Object.entries(keys).map(([own, other]) => {
      const result = plan.results[own] ?? { aliases: [] };
      return [own, { ...result, aliases: [other, ...result.aliases] }];
    }),
  );
  return { ...plan, results: { ...plan.results, ...results }, chosen: { id, keys } };
}

/**
 * The plan with the record keys to use on the server. `ownerOf` returns the reference of the Patient that has the record with a key, or
 * undefined. A record gets its other key if another Patient has its present key, or if an earlier import used the other key.
 */
export function withFreeKeys(plan: RowPlan, ownerOf: (key: string) => string | undefined): RowPlan {
  const { chosen } = plan;
  if (chosen === undefined) return plan;
  const reference = `Patient/${chosen.id}`;
  const isTaken = (key: string, other: string) => {
    const owner = ownerOf(key);
    return owner === undefined ? ownerOf(other) === reference : owner !== reference;
  };
  const renamed = new Map(Object.entries(chosen.keys).filter(([key, other]) => isTaken(key, other)));
  if (renamed.size === 0) return plan;
  const keyOf = (key: string) => renamed.get(key) ?? key;
  const { formerRecords = {} } = plan;
  return {
    ...plan,
    ...renameRecords(plan, plan.fullUrl, keyOf, (result) => result),
    formerRecords: Object.fromEntries(Object.entries(formerRecords).map(([key, of]) => [keyOf(key), of])),
  };
}
