import type { RowPlan } from '../row.plan.js';
import { type PatientRecord, recordKey, recordUrl, visitReference, withReferences } from './record.kinds.js';

type Renamed = Pick<RowPlan, 'conditions' | 'observations' | 'further' | 'results' | 'uses'>;

/**
 * Gives the records of a plan other record keys. `keyOf` returns the new key of a key. References to the visit and the uses of words follow.
 * The records refer to `patient`. `resultOf` returns the facts about a record with a new key.
 */
export function renameRecords(
  plan: RowPlan,
  patient: string,
  keyOf: (key: string) => string,
  resultOf: (result: RowPlan['results'][string]) => RowPlan['results'][string],
): Renamed {
  const visits = new Map(
    (plan.further ?? []).map((one) => [recordUrl(recordKey(one)), recordUrl(keyOf(recordKey(one)))]),
  );
  const renamed = <Kind extends PatientRecord>(record: Kind): Kind => {
    const visit = visits.get(visitReference(record) ?? '');
    const [own, ...others] = record.identifier ?? [];
    const identifier = [{ ...own, value: keyOf(own?.value ?? '') }, ...others];
    return Object.assign({}, withReferences(record, patient, visit), { identifier });
  };
  return {
    conditions: plan.conditions.map(renamed),
    observations: plan.observations.map(renamed),
    ...(plan.further === undefined ? {} : { further: plan.further.map(renamed) }),
    results: Object.fromEntries(
      Object.entries(plan.results).map(([key, result]) => [keyOf(key), resultOf(result)]),
    ),
    uses: plan.uses.map((use) =>
      use.record === undefined ? use : Object.assign({}, use, { record: keyOf(use.record) }),
    ),
  };
}
