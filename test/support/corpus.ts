import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { withLock } from '../../infra/local/lock.ts';
import { installMissing } from '../../infra/local/machine.ts';
import { cacheFolder } from '../../infra/local/prefix.ts';

const execute = promisify(execFile);

/** The wheels of PyPI packages that contain DICOM files, with the SHA-256 of each wheel. */
const WHEELS: Readonly<Record<string, string>> = {
  'pydicom==3.0.2': 'abf971a5440f84dbaf42c4b6758e30e62480902584f8b270b9a5d146e278a07b',
  'pynetdicom==3.0.4': 'bc3f8869db4c90634336dfb02d7b6c249771e8b167e841254997a315d8e16f72',
  'pydicom-data==1.0.0': '622ac97265f1d91f76b5120b5bd6eb0f57737c392ef863b72c71779c91e33637',
};
const MAGIC = Buffer.from('DICM');

/** A file of the corpus, with its path within the packages and its bytes. */
export interface CorpusFile {
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * The test files of pydicom, pynetdicom and pydicom-data (only Part 10 files, sorted by path). pip downloads them once into the cache
 * folder (39 MB). The files are never part of this repository.
 */
export async function provideCorpus(log: (line: string) => void): Promise<CorpusFile[]> {
  const recipe = createHash('sha256').update(JSON.stringify(WHEELS)).digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), `corpus-${recipe}`);
  await mkdir(cacheFolder(), { recursive: true });
  const waiting = () => log('another test is fetching the files of others: waiting for it');
  await withLock(folder, waiting, async () => {
    // A folder with this name is complete, because it gets its name at the end of the download.
    if ((await readdir(folder).catch(() => [])).length > 0) return;
    await installMissing(() => (hasPip() ? [] : ['python3-pip']), log);
    await make(folder);
  });
  return dicomFilesIn(folder);
}

function hasPip(): boolean {
  return spawnSync('python3', ['-m', 'pip', '--version']).status === 0;
}

async function make(folder: string): Promise<void> {
  const work = `${folder}.making`;
  await rm(work, { recursive: true, force: true });
  const wheels = join(work, 'wheels');
  await mkdir(wheels, { recursive: true });
  const names = Object.keys(WHEELS);
  const options = ['--no-deps', '--only-binary=:all:', '--quiet', '--disable-pip-version-check'];
  await execute('python3', ['-m', 'pip', 'download', ...options, '--dest', wheels, ...names]);
  for (const file of await readdir(wheels)) {
    const hash = createHash('sha256')
      .update(await readFile(join(wheels, file)))
      .digest('hex');
    if (!Object.values(WHEELS).includes(hash))
      throw new Error(`${file} is not the expected package: not used`);
    await execute('python3', ['-m', 'zipfile', '-e', join(wheels, file), join(work, 'files')]);
  }
  await rename(join(work, 'files'), folder);
  await rm(work, { recursive: true, force: true });
}

async function dicomFilesIn(folder: string): Promise<CorpusFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const files = await Promise.all(
    paths.sort().map(async (path) => ({ name: relative(folder, path), bytes: await readFile(path) })),
  );
  return files.filter(({ bytes }) => bytes.subarray(128, 132).equals(MAGIC));
}
