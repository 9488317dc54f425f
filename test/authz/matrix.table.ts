import type { Right } from '../../src/authz/rights.js';

/** One route of the gateway and its expected answers. */
export interface Row {
  /** Method and path, in the form of the gateway's route list. */
  readonly route: string;
  /** `public`, any `account`, or a list of rights. The caller needs one right of the list. */
  readonly opens: 'public' | 'account' | readonly Right[];
  /** The status of a permitted request for an existing object. Requests for changes are invalid on purpose, so nothing changes. */
  readonly ok: number;
  /** The path and query of the request, if they differ from the route. UIDs replace the parameters, such as `:study`. */
  readonly path?: string;
  /** The JSON body of the request. By default, a request for a change has the body `{}`, or a CSV body if the answer is 415. */
  readonly body?: object;
  /** True if the route lists studies and patients. A permitted caller may therefore see the canaries. */
  readonly tells?: true;
}

const NOBODY = '00000000-0000-4000-8000-000000000000';

function rows(opens: Row['opens'], list: readonly (readonly [string, number, Partial<Row>?])[]): Row[] {
  return list.map(([route, ok, more]) => ({ route, opens, ok, ...more }));
}

const series = '/dicom-web/studies/:study/series/:series';
const instance = `${series}/instances/:instance`;
const unknown = (path: string) => path.replaceAll(/:\w+/g, NOBODY);
/** The row of a route that changes an object. Its request names an object that does not exist. */
const absent = (route: string, ok = 404, body?: object): [string, number, Partial<Row>] => [
  route,
  ok,
  { path: unknown(route.split(' ', 2)[1] ?? ''), ...(body && { body }) },
];

/** Each route of the gateway once. A new route needs a row; matrix.test.ts compares the table with the running gateway. */
export const table: readonly Row[] = [
  ...rows('public', [
    ['POST /api/auth/login', 422],
    ['POST /api/auth/refresh', 422],
    ['POST /api/auth/second-factor', 422],
    ['POST /api/auth/second-factor/enrolment', 422],
    // External sign-in is not configured in this test.
    ['GET /api/auth/methods', 200],
    ['GET /api/auth/oidc/login', 404],
    ['GET /api/auth/oidc/callback', 404],
    ['GET /.well-known/jwks.json', 200],
    ['GET /health/live', 200],
    ['GET /health/ready', 200],
    ['HEAD /health/live', 200],
    ['HEAD /health/ready', 200],
    ['GET /api/openapi.json', 200],
    ['GET /metrics', 404],
    ['GET /api/docs', 200],
  ]),
  ...rows('account', [
    ['GET /api/me', 200],
    ['GET /api/me/accesses', 200],
    ['OPTIONS /dicom-web', 200],
    ['POST /api/auth/logout', 422, { body: { none: 'such' } }],
    ['POST /api/me/password', 422],
    ['GET /api/me/second-factors', 200],
    ['POST /api/me/second-factors', 422],
    absent('POST /api/me/second-factors/:id/confirm', 422),
    absent('POST /api/me/second-factors/:id/remove', 422),
    ['POST /api/me/recovery-codes', 422],
    ['GET /api/me/sessions', 200],
    // This deletion is requested only by principals whom the gateway must refuse.
    ['DELETE /api/me/sessions', 204],
    absent('DELETE /api/me/sessions/:id'),
  ]),
  ...rows(
    ['studies:read'],
    [
      ['GET /api/me/studies/:study', 200],
      ['GET /api/studies', 200],
      ['GET /api/studies/modalities', 200],
      ['GET /api/studies/:study', 200],
      ['GET /api/studies/:study/timeline', 200],
      ['GET /api/studies/:study/archive', 200],
      ['HEAD /api/studies/:study/archive', 200],
      ['GET /api/studies/:study/series/:series/archive', 200],
      ['HEAD /api/studies/:study/series/:series/archive', 200],
      ['GET /api/studies/:study/series/:series/instances/:instance/archive', 200],
      ['HEAD /api/studies/:study/series/:series/instances/:instance/archive', 200],
      ['GET /dicom-web/studies', 200],
      ['GET /dicom-web/series', 200],
      ['GET /dicom-web/instances', 200],
      ['GET /dicom-web/studies/:study/series', 200],
      ['GET /dicom-web/studies/:study/instances', 200],
      [`GET ${series}/instances`, 200],
      ['GET /dicom-web/studies/:study', 200],
      [`GET ${series}`, 200],
      [`GET ${instance}`, 200],
      ['GET /dicom-web/studies/:study/metadata', 200],
      [`GET ${series}/metadata`, 200],
      [`GET ${instance}/metadata`, 200],
      [`GET ${instance}/frames/:frames`, 200],
      [`GET ${instance}/bulk/*`, 200],
      ['GET /dicom-web/studies/:study/rendered', 200],
      [`GET ${series}/rendered`, 200],
      [`GET ${instance}/rendered`, 200],
      [`GET ${instance}/frames/:frames/rendered`, 200],
      ['GET /dicom-web/studies/:study/thumbnail', 200],
      [`GET ${series}/thumbnail`, 200],
      [`GET ${instance}/thumbnail`, 200],
      [`GET ${instance}/frames/:frames/thumbnail`, 200],
      [
        'GET /wado',
        200,
        { path: '/wado?requestType=WADO&studyUID=:study&seriesUID=:series&objectUID=:instance' },
      ],
    ],
  ),
  // The body is not DICOM. The right to store is decided for each instance.
  ...rows(
    ['studies:store', 'studies:annotate'],
    [
      ['POST /dicom-web/studies', 415],
      ['POST /dicom-web/studies/:study', 415, { path: '/dicom-web/studies/1.2.3' }],
    ],
  ),
  ...rows(['studies:store'], [['POST /api/uploads', 415, { body: {} }]]),
  ...rows(
    ['studies:store', 'access:manage'],
    [
      absent('GET /api/uploads/:id'),
      absent('DELETE /api/uploads/:id'),
      absent('GET /api/uploads/:id/original'),
      // A list without uploads, for administrators. Others see only their own list.
      absent('GET /api/users/:user/uploads'),
    ],
  ),
  ...rows(
    ['studies:delete'],
    [
      [`DELETE ${instance}`, 204],
      [`DELETE ${series}`, 204],
      ['DELETE /dicom-web/studies/:study', 204],
      ['GET /api/rejected', 200],
      absent('GET /api/rejected/:id'),
      absent('POST /api/rejected/:id/restore'),
      absent('POST /api/rejected/:id/purge'),
    ],
  ),
  ...rows(
    ['access:manage'],
    [
      ['GET /api/access/explain', 200, { path: '/api/access/explain?user=admin&study=1.2.3', tells: true }],
      absent('POST /api/access/what-if', 404, { group_id: NOBODY, remove: NOBODY }),
      ['GET /api/users', 200, { tells: true }],
      ['POST /api/users', 422],
      absent('GET /api/users/:id'),
      absent('PATCH /api/users/:id'),
      absent('DELETE /api/users/:id'),
      absent('PUT /api/users/:id/patient', 404, { issuer: 'TEST', patient_id: 'X' }),
      absent('DELETE /api/users/:id/patient'),
      absent('POST /api/uploads/:id/assign', 404, { user_id: NOBODY }),
      absent('GET /api/users/:user/sessions'),
      absent('DELETE /api/users/:user/sessions'),
      absent('DELETE /api/users/:user/sessions/:id'),
      absent('GET /api/users/:user/second-factors'),
      absent('DELETE /api/users/:user/second-factors'),
      absent('GET /api/groups/:id/second-factor'),
      ['GET /api/groups', 200],
      ['POST /api/groups', 422],
      absent('GET /api/groups/:id'),
      absent('PATCH /api/groups/:id'),
      absent('DELETE /api/groups/:id'),
      absent('GET /api/groups/:group/members'),
      absent('POST /api/groups/:group/members', 422),
      absent('GET /api/groups/:group/members/:id'),
      absent('DELETE /api/groups/:group/members/:id'),
      absent('GET /api/groups/:group/grants'),
      absent('POST /api/groups/:group/grants', 422),
      absent('GET /api/groups/:group/grants/:id'),
      absent('DELETE /api/groups/:group/grants/:id'),
      ['GET /api/holds', 200],
      ['POST /api/holds', 422],
      absent('DELETE /api/holds/:id'),
      ['GET /api/accounts', 200],
      ['POST /api/accounts', 422],
      absent('GET /api/accounts/:id'),
      absent('PATCH /api/accounts/:id'),
      absent('DELETE /api/accounts/:id'),
      absent('GET /api/accounts/:account/keys'),
      absent('POST /api/accounts/:account/keys', 422),
      absent('GET /api/accounts/:account/keys/:id'),
      absent('PATCH /api/accounts/:account/keys/:id'),
      absent('DELETE /api/accounts/:account/keys/:id'),
    ],
  ),
  ...rows(
    ['audit:read'],
    [
      ['GET /api/audit', 200, { tells: true }],
      ['GET /api/audit/summary', 200],
      ['GET /api/audit/verification', 200],
      ['POST /api/audit/verification', 202],
    ],
  ),
  ...rows(
    ['records:import'],
    [
      ['POST /api/imports', 415],
      ['POST /api/mappings', 422],
      ['POST /api/mappings/draft', 415, { body: {} }],
      absent('POST /api/imports/:id/commit'),
      absent('POST /api/imports/:id/cancel'),
      absent('POST /api/imports/:id/retry'),
      absent('POST /api/imports/:id/undo'),
      absent('POST /api/imports/:id/mapping', 404, { mapping: 'brazil-hospital' }),
      absent('POST /api/imports/reviews/:id/decide', 404, { decision: 'same' }),
      absent('POST /api/imports/reviews/:id/undo'),
    ],
  ),
  ...rows(
    ['records:read'],
    [
      ['GET /api/imports', 200],
      ['GET /api/imports/reviews', 200],
      ['GET /api/mappings', 200],
      absent('GET /api/imports/:id'),
      absent('GET /api/imports/:id/rows'),
      absent('GET /api/imports/:id/proposal'),
      absent('GET /api/imports/:id/errors.csv'),
      absent('GET /api/imports/:id/outcome'),
      absent('GET /api/imports/:id/events'),
      ['GET /api/terms', 200],
      ['GET /api/terms/concept-map', 200],
      ['GET /api/terms/code-maps', 200],
      absent('GET /api/terms/:id/suggestions'),
    ],
  ),
  ...rows(
    ['terms:decide'],
    [
      ['POST /api/terms/concept-map', 422],
      ['POST /api/terms/code-maps', 415],
      absent('DELETE /api/terms/code-maps/:id'),
      absent('POST /api/terms/:id/decide', 422),
      absent('POST /api/terms/:id/ignore'),
    ],
  ),
  ...rows(
    ['system:operate'],
    [
      ['GET /api/stats', 200],
      ['GET /api/stats/months', 200],
      ['GET /api/system', 200],
      ['POST /api/catalog/rebuild', 202],
      ['GET /api/catalog/rebuild', 200],
      ['GET /api/quarantine', 200, { tells: true }],
      absent('GET /api/quarantine/:id'),
      absent('GET /api/quarantine/:id/sides'),
      absent('POST /api/quarantine/:id/decide', 422),
    ],
  ),
];
