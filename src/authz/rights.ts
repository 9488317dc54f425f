import { z } from 'zod';

/** All rights. */
export const RIGHTS = [
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
] as const;

export const Right = z.enum(RIGHTS);
export type Right = z.infer<typeof Right>;

/** Whether a right can have a scope other than `all`. Only rights on studies can have other scopes. */
export function isScoped(right: Right): boolean {
  return right.startsWith('studies:');
}
