import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The slowest test files, in this order. In a new clone, vitest cannot sort the files by their durations, because there was no earlier run.
 * Files that need HAPI or the whole stack are not among the first, because their start takes a minute.
 */
const SLOWEST = [
  'authn/signing.keys',
  'dicomweb/storing',
  'sync/agreement',
  'dicomweb/asking',
  'viewer/viewer',
  'dicomweb/pixels',
  'sync/quarantine',
  'health/ready',
  'authn/signing.in',
  'imports/reviews',
  'imports/lists',
  'admin/managing',
  'imports/resilience',
  'stack/tour',
  'dicomweb/reading',
  'demo/demo',
  'imports/unlucky',
  'imports/life',
  'imports/afterwards',
  'dicomweb/wado.trouble',
  'imports/mapping.choice',
  'terms/corrections',
  'terms/inbox',
  'http/slow.senders',
  'orthanc/transport',
  'catalog/acknowledged',
  'http/requests',
  'authz/revocation',
  'authz/stalled.database',
  'dicomweb/corpus',
  'stack/import.command',
  'audit/clusters',
  'authz/matrix',
  'openapi/answers',
  'dicomweb/memory',
  'imports/bad.input',
  'authn/cross.origin',
  'catalog/transfer.syntaxes',
  'imports/preview.command',
  'terms/terminology',
  'sync/without.sweep',
  'audit/keeping',
].map((name) => `/test/${name}.test.ts`);

/** The position of a file in that list. Files that are not in the list come last. */
function rank({ moduleId }: TestSpecification): number {
  const at = SLOWEST.findIndex((name) => moduleId.endsWith(name));
  return at === -1 ? SLOWEST.length : at;
}

/** Starts the slowest files first. Otherwise a slow file could run alone at the end. */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const usual = await super.sort(files);
    return usual.toSorted((one, other) => rank(one) - rank(other));
  }
}
