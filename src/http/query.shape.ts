import { SetMetadata } from '@nestjs/common';
import type { z } from 'zod';

/** Metadata key for the query parameters of a route. See {@link Queried}. */
export const QUERIED = 'radgate:queried';

/**
 * Declares the query parameters of a route for OpenAPI. Needed only for routes that parse the raw query string themselves. Other routes use
 * `QueryOf`.
 */
export const Queried = (...schemas: readonly z.ZodType[]) =>
  SetMetadata<string, readonly z.ZodType[]>(QUERIED, schemas);
