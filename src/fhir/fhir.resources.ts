import type { Bundle, Resource } from '@medplum/fhirtypes';
import { z } from 'zod';

/** A Bundle of R4: a page of a search, or the response to a transaction. */
export const AnyBundle = z.custom<Bundle>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    'resourceType' in value &&
    value.resourceType === 'Bundle' &&
    (!('entry' in value) || Array.isArray(value.entry)),
);

/** A resource that is stored on the server and therefore has an id. */
export type Stored<T extends Resource> = T & { readonly id: string };

/** Whether a resource has the type and an id. */
export function isStored<Kind extends Resource['resourceType']>(
  kind: Kind,
  resource: Resource | undefined,
): resource is Stored<Extract<Resource, { resourceType: Kind }>> {
  return resource?.resourceType === kind && typeof resource.id === 'string';
}
