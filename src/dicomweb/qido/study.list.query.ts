import { z } from 'zod';
import type { Filter, Match } from '../../catalog/search.matching.js';
import { attributesAt } from '../../catalog/search.service.js';
import { STUDY_ORDERS } from '../../catalog/study.order.js';
import { ListQuery } from '../../http/query.pipe.js';

const Day = z.iso.date().transform((day) => day.replaceAll('-', ''));

/** The words and days that select studies. */
export const ModalityQuery = ListQuery.pick({ q: true }).extend({
  from: Day.optional().describe('The first study date.'),
  to: Day.optional().describe('The last study date.'),
});

/** The parameters of the list of studies. */
export const StudyListQuery = ListQuery.extend({
  ...ModalityQuery.shape,
  sort: z.enum(STUDY_ORDERS).default('-date').describe('The order. A preceding `-` means descending.'),
  modality: z
    .string()
    .regex(/^[A-Z0-9_ ]{1,16}$/)
    .optional()
    .describe('Only studies with a series of this modality.'),
});
export type StudyListQuery = z.output<typeof StudyListQuery>;

/** The page of a timeline. */
export const TimelineQuery = ListQuery.pick({ limit: true, offset: true });

/** Returns the filters of a query: the modality, and the days of the study. */
export function filtersOf({
  modality,
  from,
  to,
}: Partial<Pick<StudyListQuery, 'modality' | 'from' | 'to'>>): Filter[] {
  return [
    ...(modality === undefined ? [] : filterOf('00080061', { kind: 'value', value: modality })),
    ...(from === undefined && to === undefined ? [] : filterOf('00080020', { kind: 'range', from, to })),
  ];
}

/** Returns the filter for an attribute of studies. */
export function filterOf(tag: string, match: Match): Filter[] {
  const attribute = attributesAt('study').find((one) => one.tag === tag);
  return attribute === undefined ? [] : [{ attribute, match }];
}
