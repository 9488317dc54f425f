import { SetMetadata } from '@nestjs/common';
import { z } from 'zod';

/** Metadata: what a route answers; see {@link Gives}. */
export const GIVES = 'radgate:gives';

/** What a route that goes well answers: by media type its shape, or null where a media type says it all; at which statuses. */
export interface Given {
  readonly content: Readonly<Record<string, z.ZodType | null>>;
  readonly at?: readonly number[] | undefined;
}

interface Returns<T> {
  readonly value?: (...given: never[]) => T | Promise<T>;
}

/**
 * The shape of what a route answers in JSON, told by the interface; the compiler holds the method to it. `at` are its statuses, where there
 * are more than the one the route declares.
 */
export function Gives<Schema extends z.ZodType>(schema: Schema, ...at: readonly number[]) {
  const given: Given = { content: { 'application/json': schema }, ...(at.length > 0 && { at }) };
  return (_: object, __: string, { value: method }: Returns<z.output<Schema>>): void => {
    if (method !== undefined) Reflect.defineMetadata(GIVES, given, method);
  };
}

/** What a route answers that writes its answer itself, or in other words than JSON. */
export const GivesAs = (content: Given['content'], ...at: readonly number[]) =>
  SetMetadata<string, Given>(GIVES, { content, ...(at.length > 0 && { at }) });

/** A page of a list, and how many there are in all. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item).readonly(), total: z.int().min(0) });
