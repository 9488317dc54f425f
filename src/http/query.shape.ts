import { SetMetadata } from '@nestjs/common';
import type { z } from 'zod';

/** Metadata key of the query parameters of a route; see {@link Queried}. */
export const QUERIED = 'radgate:queried';

/** Declares, for OpenAPI, the schemas by which a route parses its raw query string itself. Other routes use `QueryOf`. */
export const Queried = (...schemas: readonly z.ZodType[]) =>
  SetMetadata<string, readonly z.ZodType[]>(QUERIED, schemas);
