import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { openPrefix } from '../../infra/local/prefix.ts';
import { borrowOrthanc } from './archive.pool.ts';
import { type OwnOrthanc, startOwnOrthanc, type TestOrthanc } from './archives.ts';
import { administer, copyDatabase, named } from './templates.ts';

export type TestDatabase = { appUrl: string; ownerUrl: string; drop: () => Promise<void> };

/** A database of its own for a test file, migrated and empty; `drop` also closes what is still connected. */
export const createDatabase = (): Promise<TestDatabase> => copyOf(inject('postgres').templates.empty);

/** The same as a gateway's first start leaves it: faster for whoever starts a gateway. */
export const createStartedDatabase = (): Promise<TestDatabase> =>
  copyOf(inject('postgres').templates.started);

async function copyOf(template: string): Promise<TestDatabase> {
  const { adminUrl, appUrl, ownerUrl } = inject('postgres');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await copyDatabase(adminUrl, template, name);
  const drop = () => administer(adminUrl, (sql) => sql`drop database if exists ${sql(name)} with (force)`);
  return { appUrl: named(appUrl, name), ownerUrl: named(ownerUrl, name), drop };
}

/** An Orthanc with an empty archive that is this file's until `stop`; other files of the run have it before and after. */
export const lendOrthanc = (): Promise<TestOrthanc> => borrowOrthanc(inject('archivePool'));

/** An Orthanc of this file's own, for files that kill it, restart it or measure its memory. */
export const startTestOrthanc = (): Promise<OwnOrthanc> => startOwnOrthanc(openPrefix(inject('prefix')));
