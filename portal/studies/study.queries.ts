import { queryOptions } from '@tanstack/react-query';
import type { paths } from 'interface';
import { bodyOf, gateway } from '../client/interface.client.ts';

export type StudyPage = paths['/api/studies']['get']['responses'][200]['content']['application/json'];
export type ListedStudy = StudyPage['items'][number];
export type StudyDetail =
  paths['/api/studies/{study}']['get']['responses'][200]['content']['application/json'];

/** The number of studies in one request. */
export const PAGE_SIZE = 100;

/** A search for studies. The words may name a patient. */
export interface StudySearch {
  readonly q?: string | undefined;
  readonly modality?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** One page of the studies that match. The first page is 0. */
export function studyPageQuery(search: StudySearch, page: number) {
  const query = Object.fromEntries(
    Object.entries(search).filter(([, value]) => value !== undefined && value !== ''),
  );
  return queryOptions({
    queryKey: ['studies', query, page],
    queryFn: ({ signal }) =>
      bodyOf(
        gateway.GET('/api/studies', {
          params: { query: { ...query, limit: String(PAGE_SIZE), offset: String(page * PAGE_SIZE) } },
          signal,
        }),
      ),
  });
}

/** One study with its series. */
export function studyQuery(study: string) {
  return queryOptions({
    queryKey: ['study', study],
    queryFn: ({ signal }) =>
      bodyOf(gateway.GET('/api/studies/{study}', { params: { path: { study } }, signal })),
  });
}
