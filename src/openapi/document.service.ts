import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { ENV } from '../config/config.module.js';
import { GATEWAY_VERSION } from '../config/gateway.version.js';
import type { Env } from '../config/env.js';
import { answersOf } from './answers.js';
import { areaOf, jsonSchemaOf } from './json.schema.js';
import type { MemberText } from './member.texts.js';
import { PARAMETER_TEXTS } from './parameter.texts.js';
import { type DeclaredRoute, DeclaredRoutes } from './routes.reader.js';
import { PROBLEM_SCHEMA } from './problem.schema.js';

type Json = Readonly<Record<string, unknown>>;

/** One operation of the OpenAPI document. The HTML page uses it too. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly opens: string;
  readonly json: Json;
}

const INSTANCES = {
  'multipart/related; type="application/dicom"': { schema: { type: 'string' } },
  'application/dicom': { schema: { type: 'string' } },
};
const FILE_TEXT = {
  type: 'string',
  description: 'The list: CSV, TSV, XLSX or ODS.',
  examples: ['name,birth_date\nAnna Lima,1961-04-09\n'],
};
const FILE = {
  'multipart/form-data': {
    schema: { type: 'object', required: ['file'], properties: { file: FILE_TEXT } },
  },
};
/** Request bodies that are streams and have no JSON schema. */
const STREAMED: Readonly<Record<string, Json>> = {
  'POST /dicom-web/studies': INSTANCES,
  'POST /dicom-web/studies/{study}': INSTANCES,
  'POST /api/terms/code-maps': { 'application/fhir+json': { schema: { type: 'object' } } },
  'POST /api/imports': FILE,
  'POST /api/mappings/draft': {
    ...FILE,
    'text/csv': { schema: { type: 'string' } },
    'application/octet-stream': { schema: { type: 'string' } },
  },
};
const CREDENTIALS = [{ bearer: [] }, { basic: [] }, { session: [] }];

/** Generates the gateway's OpenAPI 3.1 document from its routes. */
@Injectable()
export class OpenApi {
  constructor(
    @Inject(ENV) private readonly env: Pick<Env, 'PUBLIC_URL'>,
    private readonly routes: DeclaredRoutes,
  ) {}

  /** Returns all operations, ordered by path and method. */
  operations(): Operation[] {
    return this.routes
      .all()
      .map(operationOf)
      .sort((a, b) => (a.path === b.path ? a.method.localeCompare(b.method) : a.path.localeCompare(b.path)));
  }

  /** Returns the complete OpenAPI document. */
  document(): Json {
    const paths: Record<string, Record<string, Json>> = {};
    for (const { path, method, json } of this.operations())
      paths[path] = { ...paths[path], [method.toLowerCase()]: json };
    return {
      openapi: '3.1.0',
      info: {
        title: 'Radgate',
        version: GATEWAY_VERSION,
        description:
          'DICOMweb (PS3.18), patient lists and administration. The grants of an account limit what it can read and change.',
      },
      servers: [{ url: this.env.PUBLIC_URL }],
      paths,
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'An access token, or the API key of a machine account.',
          },
          basic: {
            type: 'http',
            scheme: 'basic',
            description: 'The name of a machine account and its API key.',
          },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: 'session',
            description: 'The session cookie of a browser.',
          },
        },
        responses: {
          Problem: {
            description:
              'A problem (RFC 9457). A resource out of reach is answered like one that does not exist.',
            content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
          },
        },
        schemas: {
          Problem: PROBLEM_SCHEMA,
        },
      },
    };
  }
}

function operationOf(route: DeclaredRoute): Operation {
  const path = route.path.replaceAll(/:(\w+)/g, '{$1}').replaceAll('*', '{rest}');
  const opens = typeof route.access === 'string' ? route.access : route.access.join(' or ');
  const summary = route.words.split(/[:;.](?:\s|$)/, 1)[0] ?? '';
  const key = `${route.method} ${path}`;
  const json = {
    operationId: `${route.name}.${route.method.toLowerCase()}${path.replaceAll(/[^A-Za-z]+/g, '_')}`,
    tags: [path.split('/')[1] === 'api' ? (path.split('/')[2] ?? 'api') : (path.split('/')[1] ?? '')],
    summary,
    description: `${route.words} (${accessInWords(route)})`,
    security: route.access === 'public' ? [] : CREDENTIALS,
    parameters: [...inPath(path), ...route.query.flatMap(inQuery)],
    ...bodyOf(route, key),
    responses: answersOf(route, path, summary === '' ? 'Done.' : summary),
  };
  return { method: route.method, path, summary: route.words, opens, json };
}

function accessInWords({ access }: DeclaredRoute): string {
  if (access === 'public') return 'no account needed';
  return access === 'account' ? 'any account' : `needs ${access.join(' or ')}`;
}

function inPath(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    description: textOf(name)[0],
    schema: exemplified({ type: 'string' }, name),
  }));
}

const Shape = z.looseObject({
  properties: z.record(z.string(), z.looseObject({ description: z.string().optional() })).default({}),
  required: z.array(z.string()).default([]),
  additionalProperties: z
    .union([z.boolean(), z.looseObject({ description: z.string().default('') })])
    .optional(),
});

function inQuery(schema: z.ZodType): Json[] {
  const { properties, required, additionalProperties: others } = Shape.parse(jsonSchemaOf(schema, 'input'));
  const named = Object.entries(properties).map(([name, { description, ...of }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    description: description ?? textOf(name)[0],
    schema: exemplified(of, name),
  }));
  if (typeof others !== 'object') return named;
  // Parameters whose names are not fixed, such as the keys of a search, are described as one object.
  const { description, ...value } = others;
  const keys = { type: 'object', additionalProperties: value };
  return [
    ...named,
    { name: 'keys', in: 'query', required: false, style: 'form', explode: true, description, schema: keys },
  ];
}

/** The default text of a parameter. */
const textOf = (name = ''): MemberText => PARAMETER_TEXTS[name] ?? [''];

/** Adds an example to a schema without one. It stands in the schema, because pages would send the `example` of a parameter. */
function exemplified(schema: Json, name = ''): Json {
  const [, example] = textOf(name);
  const isTold = example === undefined || ['examples', 'enum', 'default'].some((key) => key in schema);
  return isTold ? schema : { ...schema, examples: [example] };
}

function bodyOf(route: DeclaredRoute, key: string): Json {
  const { body } = route;
  const content =
    body === undefined
      ? STREAMED[key]
      : { 'application/json': { schema: jsonSchemaOf(body, 'input', areaOf(route.path)) } };
  return content === undefined ? {} : { requestBody: { required: true, content } };
}
