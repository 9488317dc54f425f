import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { openPrefix } from '../../infra/local/prefix.ts';
import { borrowOrthanc } from './archive.pool.ts';
import { type OwnOrthanc, startOwnOrthanc, type TestOrthanc } from './archives.ts';
import { administer, copyDatabase, named } from './templates.ts';

export type TestDatabase = { appUrl: string; ownerUrl: string; drop: () => Promise<void> };

/** Creates a database for one test file, migrated and empty. `drop` also closes connections that are still open. */
export const createDatabase = (): Promise<TestDatabase> => copyOf(inject('postgres').templates.empty);

/** Creates a database in the state after a gateway's first start. A gateway starts faster on this database than on an empty one. */
export const createStartedDatabase = (): Promise<TestDatabase> =>
  copyOf(inject('postgres').templates.started);

async function copyOf(template: string): Promise<TestDatabase> {
  const { adminUrl, appUrl, ownerUrl } = inject('postgres');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await copyDatabase(adminUrl, template, name);
  const drop = () => administer(adminUrl, (sql) => sql`drop database if exists ${sql(name)} with (force)`);
  return { appUrl: named(appUrl, name), ownerUrl: named(ownerUrl, name), drop };
}

/** Borrows an Orthanc with an empty archive until `stop` is called. Before and after, other test files may use this Orthanc. */
export const lendOrthanc = (): Promise<TestOrthanc> => borrowOrthanc(inject('archivePool'));

/** Starts an Orthanc for this test file only. For test files that kill or restart Orthanc, or measure its memory. */
export const startTestOrthanc = (): Promise<OwnOrthanc> => startOwnOrthanc(openPrefix(inject('prefix')));
