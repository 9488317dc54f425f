import { Readable } from 'node:stream';
import type { PipeTransform } from '@nestjs/common';
import { z } from 'zod';
import { availableNames } from '../problems/available.js';
import { BadField, NotVisible, UnsupportedMedia } from '../problems/errors.js';
import { keysOf } from './query.pipe.js';

/**
 * Parses a JSON body: `@Body(new BodyOf(NewUser)) body: NewUser`. If the body is invalid, throws {@link BadField} (422) for the first
 * invalid field.
 */
export class BodyOf<Schema extends z.ZodType> implements PipeTransform<unknown, z.output<Schema>> {
  constructor(readonly schema: Schema) {}

  transform(body: unknown): z.output<Schema> {
    // A body of any media type other than JSON arrives as a stream.
    if (body instanceof Readable)
      throw new UnsupportedMedia('unsupported-media-type', 'Unsupported media type. Send application/json.');
    refuseUnstorable(body, 'body');
    const parsed = this.schema.safeParse(body);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
    const path = [...(issue?.path ?? []), ...unknown].map(String).join('.');
    throw new BadField(
      unknown.length > 0 ? 'unknown-field' : 'invalid-field',
      path === '' ? 'body' : path,
      detailOf(issue, this.schema),
    );
  }
}

/**
 * Returns the text for an issue of zod. zod lists the allowed values of an enumeration, but not the members of an object, so this function
 * adds the members.
 */
function detailOf(issue: z.core.$ZodIssue | undefined, schema: unknown): string {
  if (issue === undefined) return 'The body is not valid.';
  const known = issue.code === 'unrecognized_keys' && issue.path.length === 0 ? keysOf(schema) : [];
  return known.length === 0 ? issue.message : `Unknown field. ${availableNames(known)}`;
}

/** Maximum levels of nesting in a body. No schema needs more. Without a limit, a megabyte of brackets would overflow the stack. */
const MAX_DEPTH = 16;

/** Refuses U+0000 and lone surrogates in values and member names. PostgreSQL cannot store these characters in text or jsonb. */
function refuseUnstorable(value: unknown, field: string, depth = 0): void {
  if (typeof value === 'string') refuseText(value, field);
  if (typeof value !== 'object' || value === null) return;
  if (depth > MAX_DEPTH)
    throw new BadField('invalid-field', 'body', 'The body has more than 16 levels of nesting.');
  for (const [key, inner] of Object.entries(value)) {
    refuseText(key, field);
    refuseUnstorable(inner, field === 'body' ? key : `${field}.${key}`, depth + 1);
  }
}

function refuseText(text: string, field: string): void {
  if (text.includes('\0')) throw new BadField('invalid-field', field, 'U+0000 is not allowed. Remove it.');
  if (/\p{Surrogate}/u.test(text))
    throw new BadField('invalid-field', field, 'A lone surrogate is not allowed. Send the whole character.');
}

const Id = z.uuid();

/**
 * Parses an id in a path: `@Param('id', new IdPipe()) id: string`. A text that is not a UUID gets a 404, because no resource has such an
 * id.
 */
export class IdPipe implements PipeTransform<unknown, string> {
  transform(id: unknown): string {
    const parsed = Id.safeParse(id);
    if (!parsed.success) throw new NotVisible();
    return parsed.data;
  }
}
