import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The slowest test files, in this order. In a new clone, vitest cannot sort the files by their durations, because there was no earlier run.
 */
const SLOWEST = [
  'viewer/viewer',
  'http/slow.senders',
  'sync/quarantine.kills',
  'admin/senders',
  'stack/tour',
  'authn/signing.keys',
  'authz/matrix',
  'catalog/transfer.syntaxes',
  'dicomweb/corpus',
  'sync/agreement',
  'audit/clusters',
  'imports/resilience',
  'imports/unlucky',
  'imports/bad.input',
  'dicomweb/stow.large',
  'imports/afterwards',
  'imports/life',
  'dicomweb/wado.trouble',
  'catalog/acknowledged',
  'dicomweb/storing',
  'dicomweb/pixels',
  'dicomweb/reading',
  'health/handled.errors',
  'health/sealing',
  'stack/import.command',
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
