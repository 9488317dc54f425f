import type { StudyFacts } from '../authz/policy.js';
import type { Scope } from '../authz/scopes.js';

/** The account that would store the study. The institution of the account takes precedence over the institution in the instance. */
interface Storer {
  readonly id: string;
  readonly institution: string | null;
  readonly patientId: string | null;
}

/** The facts about a new study that the account would create. Values that would come from the first instance are empty. */
export function asNew(studyUid: string, { id, institution }: Storer): StudyFacts {
  return {
    studyUid,
    issuer: '',
    patientId: '',
    institution: institution ?? '',
    imageModalities: [],
    createdBy: id,
  };
}

/** Whether a scope can be evaluated only after the first instance of the new study has arrived. */
export function isOpenUntilArrival({ institution, patientId }: Storer, { kind }: Scope): boolean {
  if (kind === 'institution') return institution === null;
  if (kind === 'own-patient') return patientId !== null;
  return kind === 'patient' || kind === 'modality';
}

/** Explains whether a scope covers a new study of the account. A possible explanation is that only the first instance can decide. */
export function ruleOfNew(account: Storer, scope: Scope, covering: boolean): string {
  if (isOpenUntilArrival(account, scope))
    return 'The study does not exist yet: its first instance will decide.';
  if (scope.kind === 'all') return 'The scope is everything, including new studies.';
  if (scope.kind === 'own-uploads') return 'The study does not exist yet: the account would create it.';
  if (scope.kind === 'own-patient') return 'The account is not linked to a patient.';
  if (scope.kind === 'study')
    return covering
      ? 'The scope names this study, which does not exist yet.'
      : 'The scope names another study.';
  return covering
    ? 'The study does not exist yet: the account stores for this institution.'
    : 'The study does not exist yet: the account stores for another institution.';
}
