import { or, type SQL, sql } from 'drizzle-orm';
import type { Right } from './rights.js';
import type { Scope } from './scopes.js';

/** What one account's groups grant now, and the facts of the account that scopes refer to. */
export interface Policy {
  readonly accountId: string;
  readonly patient: { readonly issuer: string; readonly patientId: string } | undefined;
  readonly grants: readonly { readonly rights: readonly Right[]; readonly scope: Scope }[];
}

/** A study as scopes see it. `imageModalities` are those of its image series; `createdBy` who stored its first instance. */
export interface StudyFacts {
  readonly studyUid: string;
  readonly issuer: string;
  readonly patientId: string;
  readonly institution: string;
  readonly imageModalities: readonly string[];
  readonly createdBy: string | undefined;
}

/** Whether the account holds the right in any scope at all. */
export function holds(policy: Policy, right: Right): boolean {
  return policy.grants.some((grant) => grant.rights.includes(right));
}

/** Whether a grant of one of these rights that was held before is not held now, or its patient is another. */
export function hasLostGrants(now: Policy, before: Policy, rights: readonly string[]): boolean {
  const used = before.grants.filter((grant) => grant.rights.some((right) => rights.includes(right)));
  const isOwn = used.some(({ scope }) => scope.kind === 'own-patient');
  if (isOwn && JSON.stringify(now.patient) !== JSON.stringify(before.patient)) return true;
  const held = new Set(now.grants.map((grant) => JSON.stringify(grant)));
  return used.some((grant) => !held.has(JSON.stringify(grant)));
}

/** Whether the right is held over everything: then nothing narrows a search. */
export function seesAll(policy: Policy, right: Right): boolean {
  return policy.grants.some((grant) => grant.rights.includes(right) && grant.scope.kind === 'all');
}

/** The second reading: may this account do `right` with this one study. Agrees with {@link toSql} by a property test. */
export function allows(policy: Policy, right: Right, study: StudyFacts): boolean {
  return policy.grants.some((grant) => grant.rights.includes(right) && covers(policy, grant.scope, study));
}

function covers(policy: Policy, scope: Scope, study: StudyFacts): boolean {
  switch (scope.kind) {
    case 'all':
      return true;
    case 'study':
      return study.studyUid === scope.study_uid;
    case 'patient':
      return isPatient(study, scope.issuer, scope.patient_id);
    case 'institution':
      return study.institution === scope.institution;
    case 'modality':
      return (
        study.imageModalities.length > 0 &&
        study.imageModalities.every((modality) => modality === scope.modality)
      );
    case 'own-patient':
      return (
        policy.patient !== undefined && isPatient(study, policy.patient.issuer, policy.patient.patientId)
      );
    case 'own-uploads':
      return study.createdBy === policy.accountId;
  }
}

/** An empty PatientID is met by no patient scope. */
function isPatient(study: StudyFacts, issuer: string, patientId: string): boolean {
  return patientId !== '' && study.patientId === patientId && study.issuer === issuer;
}

/**
 * The first reading: a predicate over the tables `studies` and `patients` (joined on `studies.patient = patients.id`)
 * that is true exactly for the studies the right covers. No grant gives `false`. It speaks of columns of `studies` alone, one
 * condition a kind of scope, so that Postgres finds a few visible studies among very many by the indexes of all kinds together.
 */
export function toSql(policy: Policy, right: Right): SQL {
  if (seesAll(policy, right)) return sql`true`;
  const scopes = policy.grants.filter((grant) => grant.rights.includes(right)).map((grant) => grant.scope);
  const studies = scopes.flatMap((scope) => (scope.kind === 'study' ? [scope.study_uid] : []));
  const patients = scopes.flatMap((scope) => patientOf(policy, scope));
  const institutions = scopes.flatMap((scope) => (scope.kind === 'institution' ? [scope.institution] : []));
  const modalities = scopes.flatMap((scope) => (scope.kind === 'modality' ? [scope.modality] : []));
  const ways = [
    ...inList(sql`studies.study_uid`, studies.map(valueOf)),
    ...isOneOfPatients(patients),
    ...inList(sql`studies.institution`, institutions.map(valueOf)),
    ...inList(
      sql`studies.image_modalities`,
      modalities.map((modality) => sql`array[${modality}]::text[]`),
    ),
    ...(scopes.some((scope) => scope.kind === 'own-uploads')
      ? [sql`studies.created_by = ${policy.accountId}::uuid`]
      : []),
  ];
  return or(...ways) ?? sql`false`;
}

const valueOf = (text: string): SQL => sql`${text}`;

function inList(column: SQL, values: readonly SQL[]): SQL[] {
  return values.length === 0 ? [] : [sql`${column} in (${sql.join([...values], sql`, `)})`];
}

function patientOf(policy: Policy, scope: Scope): SQL[] {
  if (scope.kind === 'patient') return [sql`(${scope.issuer}, ${scope.patient_id})`];
  if (scope.kind !== 'own-patient' || policy.patient === undefined) return [];
  return [sql`(${policy.patient.issuer}, ${policy.patient.patientId})`];
}

/** Asked once a statement, as an array: a join would keep Postgres from using the index of `studies`. */
function isOneOfPatients(keys: readonly SQL[]): SQL[] {
  if (keys.length === 0) return [];
  return [
    sql`studies.patient = any (array(
      select id from patients where patient_id <> '' and (issuer, patient_id) in (${sql.join([...keys], sql`, `)})))`,
  ];
}
