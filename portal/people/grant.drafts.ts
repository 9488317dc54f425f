import type { Grant } from './grant.sentence.tsx';

export type Kind = Grant['scope']['kind'];
type Rights = Grant['rights'];

/** The kinds of scopes, in the order of their use. */
export const KINDS: readonly Kind[] = [
  'institution',
  'modality',
  'patient',
  'study',
  'own-patient',
  'own-uploads',
  'all',
];
/** The values that each kind of scope needs. */
export const VALUES = {
  institution: ['institution'],
  modality: ['modality'],
  patient: ['patient_id', 'issuer'],
  study: ['study_uid'],
  'own-patient': [],
  'own-uploads': [],
  all: [],
} as const satisfies Record<Kind, readonly string[]>;
/** Only rights on studies can have a scope other than `all`. */
export const RIGHTS_OF_STUDIES: Rights = [
  'studies:read',
  'studies:annotate',
  'studies:store',
  'studies:delete',
  'studies:share',
];
export const OTHER_RIGHTS: Rights = [
  'records:read',
  'records:import',
  'terms:decide',
  'audit:read',
  'access:manage',
  'system:operate',
];

/** Returns the grant that a form describes, or `undefined` while a value is missing. `until` is a day, which the grant includes. */
export function grantFrom(
  rights: Rights,
  kind: Kind,
  values: Readonly<Record<string, string>>,
  until: string,
): Omit<Grant, 'id'> | undefined {
  const allowed = kind === 'all' ? rights : rights.filter((right) => RIGHTS_OF_STUDIES.includes(right));
  const scope = scopeFrom(kind, values);
  if (allowed.length === 0 || scope === undefined) return undefined;
  const end = until === '' ? undefined : new Date(`${until}T23:59:59`);
  if (end !== undefined && Number.isNaN(end.getTime())) return undefined;
  return { rights: allowed, scope, until: end === undefined ? null : end.toISOString() };
}

function scopeFrom(kind: Kind, values: Readonly<Record<string, string>>): Grant['scope'] | undefined {
  const text = (name: string) => values[name]?.trim() ?? '';
  if (VALUES[kind].some((name) => text(name) === '')) return undefined;
  switch (kind) {
    case 'study':
      return { kind, study_uid: text('study_uid') };
    case 'patient':
      return { kind, issuer: text('issuer'), patient_id: text('patient_id') };
    case 'institution':
      return { kind, institution: text('institution') };
    case 'modality':
      return { kind, modality: text('modality') };
    case 'all':
    case 'own-patient':
    case 'own-uploads':
      return { kind };
  }
}
