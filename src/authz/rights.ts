import { z } from 'zod';

/** Every right there is (design.md, "Rights and scopes"). */
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

/** Only rights over studies can be narrowed to a scope; the others are for `all` or not held. */
export function isScoped(right: Right): boolean {
  return right.startsWith('studies:');
}
