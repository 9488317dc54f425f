import type { FhirRecords, Token } from '../../fhir/fhir.records.js';
import type { Stored } from '../../fhir/fhir.resources.js';
import { FURTHER_KINDS, type FurtherRecord } from '../../mapping/records/record.kinds.js';
import type { RowPlan } from '../../mapping/row.plan.js';
import { formerTokens, isPatientOf, type KnownResources, tokensOf } from './patient.matching.js';
import { type PlannedRow, recordTokens, searchTokens } from './row.decision.js';

/**
 * Looks up the existing resources of some rows, also by the identifiers that earlier versions gave them. The records of a row are looked up
 * only if its patient exists. A record whose patient is missing is found by the transaction (`isConcurrentCreate`).
 */
export async function lookUpKnown(server: FhirRecords, rows: readonly PlannedRow[]): Promise<KnownResources> {
  const all = rows.map(({ plan }) => plan);
  const patients = await server.withIdentifiers('Patient', all.flatMap(tokensOf));
  const plans = all.filter((plan) => patients.some((patient) => isPatientOf(plan, patient)));
  const former = plans.flatMap(formerTokens);
  const conditions = [...plans.flatMap((plan) => searchTokens(plan.conditions, plan)), ...former];
  const observations = [...plans.flatMap((plan) => searchTokens(plan.observations, plan)), ...former];
  const records = await Promise.all([
    server.withIdentifiers('Condition', conditions),
    server.withIdentifiers('Observation', observations),
    furtherOf(server, plans, former),
  ]);
  const byKey = records
    .flat()
    .flatMap((record) => recordTokens([record]).map(({ value }) => [value, record] as const));
  return { patients, records: new Map(byKey) };
}

/** The existing visits and statements of some plans. Most lists have none, and need no further request. */
async function furtherOf(
  server: FhirRecords,
  plans: readonly RowPlan[],
  former: readonly Token[],
): Promise<Stored<FurtherRecord>[]> {
  const found = await Promise.all(
    FURTHER_KINDS.map(async (kind) => {
      const tokens = plans.flatMap((plan) =>
        searchTokens(plan.further?.filter((one) => one.resourceType === kind) ?? [], plan),
      );
      return tokens.length === 0 ? [] : server.withIdentifiers(kind, [...tokens, ...former]);
    }),
  );
  return found.flat();
}
