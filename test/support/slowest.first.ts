import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take longest, in this order. A fresh clone has no times of an earlier run that vitest could sort by. */
const SLOWEST = [
  'viewer/viewer',
  'stack/tour',
  'sync/quarantine.kills',
  'authn/signing.keys',
  'catalog/transfer.syntaxes',
  'health/sealing',
  'audit/clusters',
  'http/slow.senders',
  'sync/agreement',
  'admin/senders',
  'authz/matrix',
  'dicomweb/corpus',
  'imports/resilience',
  'imports/unlucky',
  'imports/bad.input',
  'imports/afterwards',
  'imports/life',
  'stack/import.command',
  'orthanc/transport',
  'authn/rotation',
  'health/handled.errors',
].map((name) => `/test/${name}.test.ts`);

/** The place of a file in that list; others come behind it. */
function rank({ moduleId }: TestSpecification): number {
  const at = SLOWEST.findIndex((name) => moduleId.endsWith(name));
  return at === -1 ? SLOWEST.length : at;
}

/** Starts the slowest files first, so that none of them runs alone at the end. */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const usual = await super.sort(files);
    return usual.toSorted((one, other) => rank(one) - rank(other));
  }
}
