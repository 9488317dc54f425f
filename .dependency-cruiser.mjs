/** The import table: which folder of src may import which. A folder that is not here may import nothing and stops the check. */
const MAY_IMPORT = {
  config: [],
  problems: [],
  limits: ['problems'],
  mapping: [],
  database: ['config'],
  secrets: ['config'],
  orthanc: ['config', 'limits', 'problems'],
  fhir: ['config', 'limits', 'problems'],
  audit: ['config', 'database', 'problems'],
  authn: ['audit', 'config', 'database', 'limits', 'problems', 'secrets'],
  authz: ['authn', 'database', 'problems'],
  catalog: ['audit', 'authz', 'config', 'database', 'limits', 'orthanc', 'problems'],
  dicomweb: ['audit', 'authn', 'authz', 'catalog', 'config', 'limits', 'orthanc', 'problems'],
  admin: ['audit', 'authn', 'authz', 'catalog', 'config', 'database', 'problems', 'secrets'],
  terms: ['audit', 'authn', 'authz', 'config', 'database', 'fhir', 'mapping', 'problems'],
  imports: [
    'audit',
    'authn',
    'authz',
    'config',
    'database',
    'fhir',
    'mapping',
    'problems',
    'secrets',
    'terms',
  ],
  openapi: ['authn', 'config'],
  health: ['audit', 'authn', 'config', 'database', 'fhir', 'orthanc', 'problems'],
};

const folders = Object.keys(MAY_IMPORT);
const isOneOf = (names) => `^src/(${names.join('|')})/`;

const table = folders.map((folder) => ({
  name: `${folder}-imports`,
  comment: `src/${folder} may import: ${MAY_IMPORT[folder].join(', ') || 'nothing of ours'}.`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: '^src/', pathNot: isOneOf([folder, ...MAY_IMPORT[folder]]) },
}));

export default {
  forbidden: [
    ...table,
    {
      name: 'every-folder-is-in-the-table',
      comment: 'A new folder of src goes into the table above and into the design.',
      severity: 'error',
      from: {},
      to: { path: '^src/[^/]+/', pathNot: isOneOf(folders) },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'only-fhir-speaks-to-hapi',
      comment: 'Nobody else speaks FHIR to a server.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/fhir/' },
      to: { path: 'node_modules/fhir-kit-client/' },
    },
    {
      name: 'only-database-queues-jobs',
      comment: 'pg-boss brings a driver of its own; nobody else has two.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/database/' },
      to: { path: 'node_modules/(pg-boss|pg)/' },
    },
    {
      name: 'only-orthanc-has-transports',
      comment: 'Nobody else speaks HTTP to a neighbour.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/orthanc/' },
      to: { path: 'node_modules/(axios|undici)/' },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(test|infra|portal|dist)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default'],
    },
  },
};
