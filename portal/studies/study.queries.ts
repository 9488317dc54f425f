import { queryOptions } from '@tanstack/react-query';
import type { paths } from 'interface';
import { bodyOf, gateway } from '../client/interface.client.ts';
import type { StudyOrder } from './study.columns.ts';

export type StudyPage = paths['/api/studies']['get']['responses'][200]['content']['application/json'];
export type ListedStudy = StudyPage['items'][number];
export type StudyDetail =
  paths['/api/studies/{study}']['get']['responses'][200]['content']['application/json'];

/** The number of studies in one request. */
export const PAGE_SIZE = 100;
const COUNTS_MS = 60_000;

/** A search for studies. The words may name a patient. */
export interface StudySearch {
  readonly q?: string | undefined;
  readonly modality?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** One page of the studies that match. The first page is 0. Without an order, the newest study comes first. */
export function studyPageQuery(search: StudySearch, page: number, order: StudyOrder = '-date') {
  const query = said(search);
  return queryOptions({
    queryKey: ['studies', query, order, page],
    queryFn: ({ signal }) => {
      const paging = { limit: String(PAGE_SIZE), offset: String(page * PAGE_SIZE), sort: order };
      return bodyOf(gateway.GET('/api/studies', { params: { query: { ...query, ...paging } }, signal }));
    },
  });
}

/** The number of studies of each modality among the studies that match the words and days of the search. */
export function modalityCountsQuery({ q, from, to }: StudySearch) {
  const query = said({ q, from, to });
  return queryOptions({
    queryKey: ['studies', 'modalities', query],
    queryFn: ({ signal }) => bodyOf(gateway.GET('/api/studies/modalities', { params: { query }, signal })),
    staleTime: COUNTS_MS,
  });
}

/** Leaves out the conditions without a value. */
function said({ q, modality, from, to }: StudySearch) {
  return {
    ...(q !== undefined && q !== '' && { q }),
    ...(modality !== undefined && { modality }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  };
}

/** One study with its series. */
export function studyQuery(study: string) {
  return queryOptions({
    queryKey: ['study', study],
    queryFn: ({ signal }) =>
      bodyOf(gateway.GET('/api/studies/{study}', { params: { path: { study } }, signal })),
  });
}

/** The number of studies in a timeline. */
const TIMELINE = '500';

/** The studies of the patient of this study, newest first. */
export function timelineQuery(study: string) {
  return queryOptions({
    queryKey: ['timeline', study],
    queryFn: ({ signal }) => {
      const params = { path: { study }, query: { limit: TIMELINE } };
      return bodyOf(gateway.GET('/api/studies/{study}/timeline', { params, signal }));
    },
  });
}
