import { or, type SQL, sql } from 'drizzle-orm';
import type { Right } from './rights.js';
import type { Scope } from './scopes.js';

/** The current grants of an account, and the facts about the account that are needed to evaluate scopes. */
export interface Policy {
  readonly accountId: string;
  readonly patient: { readonly issuer: string; readonly patientId: string } | undefined;
  readonly grants: readonly { readonly rights: readonly Right[]; readonly scope: Scope }[];
}

/**
 * The facts about a study that are needed to evaluate scopes. `imageModalities` are the modalities of its image series. `createdBy` is the
 * account that stored its first instance.
 */
export interface StudyFacts {
  readonly studyUid: string;
  readonly issuer: string;
  readonly patientId: string;
  readonly institution: string;
  readonly imageModalities: readonly string[];
  readonly createdBy: string | undefined;
}

/** Whether the account has the right in any scope. */
export function holds(policy: Policy, right: Right): boolean {
  return policy.grants.some((grant) => grant.rights.includes(right));
}

/**
 * Whether `now` lacks a grant of `before` that has one of these rights. The result is also true if such a grant has the scope `own-patient`
 * and the linked patient has changed.
 */
export function hasLostGrants(now: Policy, before: Policy, rights: readonly string[]): boolean {
  const relevant = before.grants.filter((grant) => grant.rights.some((right) => rights.includes(right)));
  const isOwn = relevant.some(({ scope }) => scope.kind === 'own-patient');
  if (isOwn && JSON.stringify(now.patient) !== JSON.stringify(before.patient)) return true;
  const held = new Set(now.grants.map((grant) => JSON.stringify(grant)));
  return relevant.some((grant) => !held.has(JSON.stringify(grant)));
}

/** Whether the account has the right with the scope `all`. In that case, a search needs no condition. */
export function seesAll(policy: Policy, right: Right): boolean {
  return policy.grants.some((grant) => grant.rights.includes(right) && grant.scope.kind === 'all');
}

/** Whether the policy allows `right` on this study. A property test checks that this function agrees with {@link toSql}. */
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

/** Whether a study belongs to a patient. An empty PatientID never matches. */
function isPatient(study: StudyFacts, issuer: string, patientId: string): boolean {
  return patientId !== '' && study.patientId === patientId && study.issuer === issuer;
}

/**
 * The SQL condition that is true exactly for the studies that the right covers. Without grants, the condition is `false`. It compares only
 * columns of `studies`, with one comparison for each kind of scope. PostgreSQL can therefore combine the indexes and quickly find the
 * visible studies, even if they are few among very many.
 */
export function toSql(policy: Policy, right: Right): SQL {
  if (seesAll(policy, right)) return sql`true`;
  const scopes = policy.grants.filter((grant) => grant.rights.includes(right)).map((grant) => grant.scope);
  const studies = scopes.flatMap((scope) => (scope.kind === 'study' ? [scope.study_uid] : []));
  const patients = scopes.flatMap((scope) => patientOf(policy, scope));
  const institutions = scopes.flatMap((scope) => (scope.kind === 'institution' ? [scope.institution] : []));
  const modalities = scopes.flatMap((scope) => (scope.kind === 'modality' ? [scope.modality] : []));
  const conditions = [
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
  return or(...conditions) ?? sql`false`;
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

/**
 * The condition for patient scopes. PostgreSQL evaluates the subquery once, as an array. With a join, PostgreSQL would not use the index of
 * `studies`.
 */
function isOneOfPatients(keys: readonly SQL[]): SQL[] {
  if (keys.length === 0) return [];
  return [
    sql`studies.patient = any (array(
      select id from patients where patient_id <> '' and (issuer, patient_id) in (${sql.join([...keys], sql`, `)})))`,
  ];
}
