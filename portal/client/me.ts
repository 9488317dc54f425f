import { queryOptions, useSuspenseQuery } from '@tanstack/react-query';
import type { paths } from 'interface';
import { bodyOf, gateway } from './interface.client.ts';

/** The account, groups, rights and linked patient of the person (`GET /api/me`). */
export type Me = paths['/api/me']['get']['responses'][200]['content']['application/json'];

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: () => bodyOf(gateway.GET('/api/me')),
  staleTime: 60_000,
});

/** Returns the signed-in person. */
export function useMe(): Me {
  return useSuspenseQuery(meQuery).data;
}

/** Returns the name to show: the display name, or else the username. */
export function nameOf({ account }: Me): string {
  return account.display_name === '' ? account.name : account.display_name;
}
