import Ajv from 'ajv/dist/2020.js';
import type { Response, Test } from 'supertest';
import { z } from 'zod';

const Content = z.record(z.string(), z.object({ schema: z.looseObject({}) }));
const Answer = z.looseObject({ content: Content.optional() });
const Operation = z.looseObject({
  description: z.string(),
  parameters: z.array(z.looseObject({ name: z.string(), in: z.string() })),
  requestBody: z.looseObject({ content: z.record(z.string(), z.unknown()) }).optional(),
  responses: z.record(z.string(), z.union([z.strictObject({ $ref: z.string() }), Answer])),
});
/** The parts of an OpenAPI document that these tests use. */
export const Document = z.looseObject({
  openapi: z.literal('3.1.0'),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.looseObject({ schemas: z.object({ Problem: z.looseObject({}) }) }),
});
export type Document = z.output<typeof Document>;

// zod checks the formats. Ajv checks the patterns.
const ajv = new Ajv.default({ strict: false, validateFormats: false });

/**
 * The parts of a response that the document does not describe, as texts. The list is empty if the document describes all parts. `route` is
 * for example `GET /api/users/{id}`.
 */
export function unsaid(document: Document, route: string, { status, headers, body }: Response): string[] {
  const [method = '', path = ''] = route.split(' ');
  const said = document.paths[path]?.[method.toLowerCase()]?.responses[String(status)];
  if (said === undefined) return [`${route}: ${status} is not said`];
  const type = z.string().default('').parse(headers['content-type']).split(';', 1)[0] ?? '';
  const content =
    '$ref' in said
      ? { 'application/problem+json': { schema: document.components.schemas.Problem } }
      : (said.content ?? {});
  if (type === '') return Object.keys(content).length === 0 ? [] : [`${route}: ${status} has no body`];
  const known = Object.entries(content).find(([name]) => name.split(';', 1)[0] === type);
  if (known === undefined) return [`${route}: ${status} as ${type} is not said`];
  const [, { schema }] = known;
  // A HEAD response has no body but the same media type as the GET response.
  if (method === 'HEAD' || !type.endsWith('json') || ajv.validate(schema, body)) return [];
  return [`${route}: ${status}: ${ajv.errorsText()}`];
}

/** Sends a request and records the parts of the answer that the document does not describe. */
export class Asking {
  readonly faults: string[] = [];
  readonly asked = new Set<string>();

  constructor(private readonly document: Document) {}

  async of(route: string, test: Test): Promise<Response> {
    const answer = await test;
    this.asked.add(`${route} ${answer.status}`);
    this.faults.push(...unsaid(this.document, route, answer));
    return answer;
  }
}
