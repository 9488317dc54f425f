import type { paths } from 'interface';

export type Review =
  paths['/api/imports/reviews']['get']['responses'][200]['content']['application/json']['items'][number];
export type Difference = Review['differences'][number];
export type ReviewedPerson = NonNullable<Review['sides']>['row'];
/** What a person may do with a review. */
export type ReviewAction = 'same' | 'new' | 'reject' | 'undo';
