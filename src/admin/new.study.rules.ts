import type { StudyFacts } from '../authz/policy.js';
import type { Scope } from '../authz/scopes.js';

/** Who would store: the account's own institution wins over what an object says. */
interface Storer {
  readonly id: string;
  readonly institution: string | null;
  readonly patientId: string | null;
}

/** A study that is not there as the account would begin it, with nothing that only its first instance can say. */
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

/** Whether only the first instance of a new study tells if this scope covers it. */
export function isOpenUntilArrival({ institution, patientId }: Storer, { kind }: Scope): boolean {
  if (kind === 'institution') return institution === null;
  if (kind === 'own-patient') return patientId !== null;
  return kind === 'patient' || kind === 'modality';
}

/** Why a scope lets an account begin a study, or does not, or cannot say so yet. */
export function ruleOfNew(account: Storer, scope: Scope, covering: boolean): string {
  if (isOpenUntilArrival(account, scope))
    return 'The study is not there: when its first instance arrives, what that says decides.';
  if (scope.kind === 'all') return 'The scope is everything, a study that is not there yet too.';
  if (scope.kind === 'own-uploads') return 'The study is not there: the account would create it.';
  if (scope.kind === 'own-patient') return 'The account is linked to no patient.';
  if (scope.kind === 'study')
    return covering
      ? 'The scope names this study, which is not there yet.'
      : 'The scope names another study.';
  return covering
    ? 'The study is not there: what the account stores is of this institution.'
    : 'The study is not there: what the account stores is of another institution.';
}
