import { renameRecords } from './records/renamed.records.js';
import type { RowPlan } from './row.plan.js';
import { type IdentityKey, keyedDigest, steadyUuid } from './values/identity.js';

/** The identifier system of a Patient that has no undisputed identifier of its own. The value is a keyed digest. */
export const PERSON_KEY_SYSTEM = 'urn:radgate:person-key';

/**
 * The plan of a row whose patient is another person than the patient with the same identifier, as a person decided. The plan leaves out the
 * disputed identifiers (`disputed` are their digests). Its records get other record identifiers, because the existing
 * ones belong to the other patient. The same row always gives the same plan, so the list can be sent again.
 */
export function separatePlan(plan: RowPlan, disputed: readonly string[], key: IdentityKey): RowPlan {
  const kept = plan.identities.flatMap((identity, at) => {
    const digest = plan.identityKeys[at];
    const identifier = plan.patient.identifier?.[at];
    if (digest === undefined || identifier === undefined || disputed.includes(digest)) return [];
    return [{ identity, digest, identifier }];
  });
  const [main] = kept;
  const patientKey = main?.digest ?? keyedDigest(key, ['separated', plan.person]);
  const fullUrl = `urn:uuid:${steadyUuid(patientKey)}`;
  const own = { system: PERSON_KEY_SYSTEM, value: patientKey };
  const keyOf = (value: string) => keyedDigest(key, ['separated', patientKey, value]);
  return {
    ...plan,
    patientKey,
    // The disputed identifiers stay locked, because an undo locks the patient by the stored digests of the row.
    identityKeys: [...new Set([patientKey, ...plan.identityKeys])],
    fullUrl,
    identities: [main?.identity ?? { ...own, aliases: [] }, ...kept.slice(1).map(({ identity }) => identity)],
    patient: {
      ...plan.patient,
      identifier:
        main === undefined ? [{ use: 'secondary', ...own }] : kept.map(({ identifier }) => identifier),
    },
    ...renameRecords(plan, fullUrl, keyOf, (result) => ({ ...result, aliases: [] })),
    // The records that an earlier version wrote belong to the other patient.
    formerRecords: {},
    isSeparated: true,
  };
}
