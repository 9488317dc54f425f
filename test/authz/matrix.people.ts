import type { Right } from '../../src/authz/rights.js';
import type { GrantWish } from '../support/world.ts';
import { chains, type Held, lateComer, ownPatient } from './matrix.objects.ts';

/** A principal of the matrix, with the grants of the principal's group and the expected access. */
export interface Principal {
  readonly grants: readonly GrantWish[];
  /**
   * The objects that each right of the principal must cover. The principal has no other rights. The list is not derived from `grants`,
   * because the test compares it with the effect of `grants`.
   */
  readonly may: Partial<Record<Right, readonly Held[]>>;
  /** Whether the gateway has an account for the principal. */
  readonly known: boolean;
  readonly patient?: typeof ownPatient;
  /** The only kind of account for this principal. Undefined if both kinds are possible. */
  readonly only?: 'person' | 'machine';
}

const everything: readonly Held[] = ['own', 'foreign', 'shared', 'contested'];
const ONE: readonly Held[] = ['own', 'shared', 'contested'];
const TWO: readonly Held[] = ['foreign', 'shared'];

function over(right: Right, studies: readonly Held[]): GrantWish[] {
  return studies.map((study) => ({
    rights: [right],
    scope: { kind: 'study', study_uid: chains[study].study },
  }));
}
const forAll = (...rights: readonly Right[]): GrantWish => ({ rights, scope: { kind: 'all' } });
/** The grant for the second patient. The test checks that this grant does not cover the contested study. */
const ofLateComer: GrantWish = {
  rights: ['studies:read', 'studies:delete'],
  scope: { kind: 'patient', ...lateComer },
};

const all = {
  'studies:read': everything,
  'studies:store': everything,
  'studies:annotate': everything,
  'studies:delete': everything,
  'studies:share': everything,
  'records:import': everything,
  'records:read': everything,
  'terms:decide': everything,
  'audit:read': everything,
  'access:manage': everything,
  'system:operate': everything,
} as const satisfies Record<Right, readonly Held[]>;
const RIGHTS_OF_ALL = [
  'studies:read',
  'studies:store',
  'studies:annotate',
  'studies:delete',
  'studies:share',
  'records:import',
  'records:read',
  'terms:decide',
  'audit:read',
  'access:manage',
  'system:operate',
] as const satisfies readonly Right[];

/** The principals of the matrix. */
export const principals = {
  anonymous: { grants: [], may: {}, known: false },
  expired: { grants: [forAll(...RIGHTS_OF_ALL)], may: {}, known: false },
  disabled: { grants: [forAll(...RIGHTS_OF_ALL)], may: {}, known: false },
  'no group': { grants: [], may: {}, known: true },
  'reader of group one': {
    grants: over('studies:read', ONE),
    may: { 'studies:read': ONE },
    known: true,
  },
  'reader of group two': {
    grants: [...over('studies:read', TWO), ofLateComer],
    may: { 'studies:read': TWO, 'studies:delete': [] },
    known: true,
  },
  'both groups': {
    grants: [...over('studies:read', ONE), ...over('studies:read', TWO)],
    may: { 'studies:read': everything },
    known: true,
  },
  storer: { grants: over('studies:store', ONE), may: { 'studies:store': ONE }, known: true },
  annotator: {
    grants: [...over('studies:read', ['own']), ...over('studies:annotate', ['own'])],
    may: { 'studies:read': ['own'], 'studies:annotate': ['own'] },
    known: true,
  },
  remover: { grants: over('studies:delete', ['own']), may: { 'studies:delete': ['own'] }, known: true },
  modality: {
    grants: [
      { rights: ['studies:store'], scope: { kind: 'all' } },
      { rights: ['studies:read'], scope: { kind: 'own-uploads' } },
    ],
    may: { 'studies:store': everything, 'studies:read': [] },
    known: true,
    only: 'machine',
  },
  patient: {
    grants: [{ rights: ['studies:read'], scope: { kind: 'own-patient' } }],
    may: { 'studies:read': ['own'] },
    known: true,
    patient: ownPatient,
    only: 'person',
  },
  clerk: {
    grants: [forAll('records:import', 'records:read', 'terms:decide')],
    may: { 'records:import': everything, 'records:read': everything, 'terms:decide': everything },
    known: true,
  },
  auditor: { grants: [forAll('audit:read')], may: { 'audit:read': everything }, known: true },
  operator: { grants: [forAll('system:operate')], may: { 'system:operate': everything }, known: true },
  administrator: { grants: [forAll(...RIGHTS_OF_ALL)], may: all, known: true },
} as const satisfies Record<string, Principal>;
export type PrincipalName = keyof typeof principals;
