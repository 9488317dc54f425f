import type { Bundle, Resource } from '@medplum/fhirtypes';
import { z } from 'zod';

/** A Bundle of R4: a page of a search, or the answers of a transaction. */
export const AnyBundle = z.custom<Bundle>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    'resourceType' in value &&
    value.resourceType === 'Bundle' &&
    (!('entry' in value) || Array.isArray(value.entry)),
);

/** A resource that is stored: it has an id and a version. */
export type Stored<T extends Resource> = T & { readonly id: string };

/** Whether it is of a kind and has an id, as everything that was stored does. */
export function isStored<Kind extends Resource['resourceType']>(
  kind: Kind,
  resource: Resource | undefined,
): resource is Stored<Extract<Resource, { resourceType: Kind }>> {
  return resource?.resourceType === kind && typeof resource.id === 'string';
}
