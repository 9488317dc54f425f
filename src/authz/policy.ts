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
export function isLess(now: Policy, before: Policy, rights: readonly string[]): boolean {
  const used = before.grants.filter((grant) => grant.rights.some((right) => rights.includes(right)));
  const isOwn = used.some(({ scope }) => scope.kind === 'own-patient');
  if (isOwn && JSON.stringify(now.patient) !== JSON.stringify(before.patient)) return true;
  const held = new Set(now.grants.map((grant) => JSON.stringify(grant)));
  return used.some((grant) => !held.has(JSON.stringify(grant)));
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
 * that is true exactly for the studies the right covers. No grant gives `false`.
 */
export function toSql(policy: Policy, right: Right): SQL {
  const scopes = policy.grants.filter((grant) => grant.rights.includes(right)).map((grant) => grant.scope);
  if (scopes.some((scope) => scope.kind === 'all')) return sql`true`;
  return or(...scopes.map((scope) => sql`(${predicate(policy, scope)})`)) ?? sql`false`;
}

function predicate(policy: Policy, scope: Scope): SQL {
  switch (scope.kind) {
    case 'all':
      return sql`true`;
    case 'study':
      return sql`studies.study_uid = ${scope.study_uid}`;
    case 'patient':
      return samePatient(scope.issuer, scope.patient_id);
    case 'institution':
      return sql`studies.institution = ${scope.institution}`;
    case 'modality':
      return sql`studies.image_modalities = array[${scope.modality}]::text[]`;
    case 'own-patient':
      return policy.patient === undefined
        ? sql`false`
        : samePatient(policy.patient.issuer, policy.patient.patientId);
    case 'own-uploads':
      return sql`studies.created_by = ${policy.accountId}::uuid`;
  }
}

function samePatient(issuer: string, patientId: string): SQL {
  return sql`patients.patient_id <> '' and patients.patient_id = ${patientId} and patients.issuer = ${issuer}`;
}
