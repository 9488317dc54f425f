import { areaOf, jsonSchemaOf } from './json.schema.js';
import type { DeclaredRoute } from './routes.reader.js';

type Json = Readonly<Record<string, unknown>>;

const PROBLEM = { $ref: '#/components/responses/Problem' };
const ANY = { schema: {} };
const ITEMS = { schema: { type: 'array', items: { type: 'object' } } };
const DATA_SETS = {
  'application/dicom+json': ITEMS,
  'application/json': ITEMS,
  'multipart/related; type="application/dicom+xml"': ANY,
};
const INSTANCES = { 'multipart/related; type="application/dicom"': ANY, 'application/dicom': ANY };
const PICTURES = {
  'image/jpeg': ANY,
  'image/png': ANY,
  'image/webp': ANY,
  'image/gif': ANY,
  'video/mp4': ANY,
  'video/mpeg': ANY,
  'application/pdf': ANY,
};
const STORED = { 'application/dicom+json': { schema: { type: 'object' } }, 'application/dicom+xml': ANY };

/**
 * The responses of the DICOMweb routes (PS3.18 §10). The first entry that matches the method and path applies. These responses are streams
 * without a schema.
 */
const IMAGES: readonly (readonly [route: RegExp, content: Json, at?: readonly number[]])[] = [
  [/^DELETE /, {}, [204]],
  [/^OPTIONS /, { 'application/json': ANY, 'application/vnd.sun.wadl+xml': ANY, 'application/xml': ANY }],
  [/^POST /, STORED, [200, 202, 409]],
  [/^GET \/wado$/, { 'application/dicom': ANY, ...PICTURES }, [200, 206, 304]],
  [/\/metadata$/, DATA_SETS, [200, 304]],
  [/\/(rendered|thumbnail)$/, { ...PICTURES, 'multipart/related': ANY }, [200, 206, 304]],
  [
    /\/(frames|bulk)\/\{\w+\}$/,
    { 'multipart/related': ANY, 'application/octet-stream': ANY },
    [200, 206, 304],
  ],
  // A search without results answers 204, because an XML response needs at least one part.
  [/\/(studies|series|instances)$/, DATA_SETS, [200, 204]],
  [/\/instances\/\{\w+\}$/, { ...INSTANCES, ...PICTURES }, [200, 206, 304]],
  [/./, INSTANCES, [200, 206]],
];

/** Routes that check the password of the caller again. */
const PASSWORD_AGAIN = /^\/api\/me\/(password|recovery-codes|second-factors(\/\{\w+\}\/remove)?)$/;

/** Returns the `responses` of a route for OpenAPI: its successful responses and its problems. */
export function answersOf(route: DeclaredRoute, path: string, description: string): Json {
  const successful = givenBy(route, path);
  const refusals = refusalsOf(route, path).filter((status) => !successful.at.includes(status));
  return {
    ...Object.fromEntries(refusals.map((status) => [status, PROBLEM])),
    ...Object.fromEntries(
      successful.at.map((status) => [
        status,
        { description, ...(hasBody(status, successful.content) && { content: successful.content }) },
      ]),
    ),
    default: PROBLEM,
  };
}

function hasBody(status: number, content: Json): boolean {
  return status !== 204 && status !== 304 && Object.keys(content).length > 0;
}

function givenBy(
  { gives, status, method }: DeclaredRoute,
  path: string,
): { content: Json; at: readonly number[] } {
  if (gives !== undefined) {
    const content = Object.entries(gives.content).map(([type, shape]) => [
      type,
      shape === null ? ANY : { schema: jsonSchemaOf(shape, 'output', areaOf(path)) },
    ]);
    return { content: Object.fromEntries(content), at: gives.at ?? [status] };
  }
  const isDicomweb = path.startsWith('/dicom-web') || path === '/wado';
  const [, content = {}, at = [status]] =
    (isDicomweb ? IMAGES.find(([form]) => form.test(`${method} ${path}`)) : undefined) ?? [];
  return { content, at };
}

/**
 * Returns the error statuses of a route. Most statuses follow from the access, parameters and body of the route. Statuses in the docstring
 * of the route are added.
 */
function refusalsOf({ access, method, words, body, query }: DeclaredRoute, path: string): number[] {
  const isDicomweb = path.startsWith('/dicom-web') || path === '/wado';
  const changes = !['GET', 'HEAD', 'OPTIONS'].includes(method);
  const named = [...words.matchAll(/\b[45]\d\d\b/g)].map(Number);
  const statuses = [
    ...(access === 'public' ? [] : [401]),
    ...(Array.isArray(access) || changes ? [403] : []),
    ...(query.length > 0 || changes || isDicomweb ? [400] : []),
    ...(path.includes('{') || isDicomweb ? [404] : []),
    ...(isDicomweb ? [406, 429] : []),
    ...(body === undefined ? [] : [413, 415, 422]),
    ...(method === 'POST' && body === undefined && changes ? [413, 415, 422] : []),
    ...(/^(PATCH|PUT|DELETE)$/.test(method) && /^\/api\/(users|groups|accounts)\//.test(path)
      ? [409, 412]
      : []),
    ...(path.startsWith('/api/auth/') || PASSWORD_AGAIN.test(path) ? [429] : []),
    503,
    ...named,
  ];
  return [...new Set(statuses)].sort((one, other) => one - other);
}
