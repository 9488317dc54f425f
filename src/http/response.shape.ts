import { SetMetadata } from '@nestjs/common';
import { z } from 'zod';

/** Metadata key for the response of a route. See {@link Gives}. */
export const GIVES = 'radgate:gives';

/**
 * The successful response of a route. `content` has the schema for each media type, or null for a body without a schema. `at` lists the
 * statuses.
 */
export interface Given {
  readonly content: Readonly<Record<string, z.ZodType | null>>;
  readonly at?: readonly number[] | undefined;
}

interface Returns<T> {
  readonly value?: (...given: never[]) => T | Promise<T>;
}

/**
 * Declares the JSON response of a route for OpenAPI. The compiler checks that the method returns this type. `at` lists the statuses if the
 * route has more than one.
 */
export function Gives<Schema extends z.ZodType>(schema: Schema, ...at: readonly number[]) {
  const given: Given = { content: { 'application/json': schema }, ...(at.length > 0 && { at }) };
  return (_: object, __: string, { value: method }: Returns<z.output<Schema>>): void => {
    if (method !== undefined) Reflect.defineMetadata(GIVES, given, method);
  };
}

/**
 * Declares the response of a route for OpenAPI. Needed for routes that write the response themselves or use a media type other than JSON.
 */
export const GivesAs = (content: Given['content'], ...at: readonly number[]) =>
  SetMetadata<string, Given>(GIVES, { content, ...(at.length > 0 && { at }) });

/** Returns the schema for a page of a list. The page also contains the number of all items. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item).readonly(), total: z.int().min(0) });
