import { z } from 'zod';

/** The IDs in an item of Request Attributes Sequence (0040,0275). A missing ID is empty. */
export interface RequestedStep {
  /** Scheduled Procedure Step ID (0040,0009). */
  readonly step: string;
  /** Requested Procedure ID (0040,1001). */
  readonly procedure: string;
}

export const REQUEST_ATTRIBUTES = '00400275';
export const STEP_ID = '00400009';
export const PROCEDURE_ID = '00401001';

/** Largest number of items that the catalog stores for a series. Real series have only a few items. */
export const MOST_REQUESTED = 64;

const Item = z.record(z.string(), z.unknown());
const Items = z.array(Item).catch([]);

/** The items of Request Attributes Sequence in Orthanc's answer to `tags?short`. Items without an ID are left out. */
export function requestedIn(tags: Readonly<Record<string, unknown>>): RequestedStep[] {
  return Items.parse(tags[shortTag(REQUEST_ATTRIBUTES)])
    .map((item) => ({ step: textIn(item, STEP_ID), procedure: textIn(item, PROCEDURE_ID) }))
    .filter(({ step, procedure }) => step !== '' || procedure !== '')
    .slice(0, MOST_REQUESTED);
}

function textIn(item: z.infer<typeof Item>, tag: string): string {
  const value = item[shortTag(tag)];
  return typeof value === 'string' ? value.trim() : '';
}

function shortTag(tag: string): string {
  return `${tag.slice(0, 4)},${tag.slice(4).toLowerCase()}`;
}
