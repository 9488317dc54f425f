import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The slowest test files, in this order. In a new clone, vitest cannot sort the files by their durations, because there was no earlier run.
 */
const SLOWEST = [
  'viewer/viewer',
  'stack/tour',
  'authn/signing.keys',
  'dicomweb/storing',
  'sync/agreement',
  'imports/reviews',
  'dicomweb/asking',
  'dicomweb/pixels',
  'sync/quarantine',
  'health/ready',
  'imports/resilience',
  'authn/signing.in',
  'admin/managing',
  'dicomweb/reading',
  'imports/unlucky',
  'imports/afterwards',
  'dicomweb/wado.trouble',
  'terms/corrections',
  'terms/inbox',
  'http/slow.senders',
  'orthanc/transport',
  'catalog/acknowledged',
  'http/requests',
  'authz/revocation',
  'authz/stalled.database',
  'dicomweb/corpus',
  'imports/life',
  'audit/clusters',
  'demo/demo',
  'authz/matrix',
  'stack/import.command',
  'dicomweb/memory',
  'imports/bad.input',
  'authn/cross.origin',
  'imports/twin',
  'catalog/transfer.syntaxes',
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
