import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, readdir, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { type Suite, unpackPackages } from './apt.ts';
import { withLock } from './lock.ts';

const execute = promisify(execFile);
const packages = ['orthanc', 'orthanc-dicomweb', 'orthanc-gdcm', 'nginx-light', 'openssl', 'dcmtk', 'tcc'];
const preloadSource = join(import.meta.dirname, '../orthanc/preload.c');
const unneeded = [
  'var',
  'usr/include',
  'usr/share/doc',
  'usr/share/locale',
  'usr/share/i18n',
  'usr/share/zoneinfo',
];
const platforms: Record<string, { loader: string; libraries: string }> = {
  x64: { loader: 'usr/lib64/ld-linux-x86-64.so.2', libraries: 'usr/lib/x86_64-linux-gnu' },
  arm64: { loader: 'usr/lib/ld-linux-aarch64.so.1', libraries: 'usr/lib/aarch64-linux-gnu' },
};

/**
 * A folder with Orthanc, nginx, OpenSSL and DCMTK of a Debian suite, by default of Debian 13. These programs bring their own C library and
 * therefore run on any Debian.
 */
export type Prefix = {
  folder: string;
  /** Returns the command line for a program of the prefix, such as `usr/sbin/nginx`. */
  command: (program: string, ...args: string[]) => string[];
  /** Returns the command line for Orthanc. The command preloads infra/orthanc/preload.c. */
  orthancCommand: (...args: string[]) => string[];
};

/** The download cache. All starts and all clones of the repository use the same cache. */
export const cacheFolder = () => join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'radgate');

/**
 * Returns the prefix in the cache folder. If the prefix is missing or damaged, creates it, which downloads about 60 MB. Several processes
 * may call this function at the same time. A prefix of sid has the versions of the day of its download. Throws if apt cannot download.
 */
export async function providePrefix(
  cacheDir: string,
  log: (line: string) => void,
  suite: Suite = 'trixie',
): Promise<Prefix> {
  const recipe = createHash('sha256').update(JSON.stringify([packages, unneeded, process.arch]));
  recipe.update(await readFile(preloadSource));
  const folder = join(
    cacheDir,
    `debian-${suite === 'trixie' ? '13' : suite}-${recipe.digest('hex').slice(0, 12)}`,
  );
  await mkdir(cacheDir, { recursive: true });
  await withLock(
    folder,
    () => log('another start is downloading Orthanc and nginx: waiting until it ends'),
    async () => {
      if (await isWhole(folder)) return;
      if (existsSync(folder)) log('the downloaded Orthanc and nginx are damaged: downloading them again');
      await make(folder, suite);
    },
  );
  return openPrefix(folder);
}

/** Returns the prefix in this folder, which must be complete. */
export function openPrefix(folder: string): Prefix {
  const platform = platforms[process.arch];
  if (!platform) throw new Error(`Orthanc is not available for ${process.arch}. Use x64 or arm64.`);
  const loader = join(folder, platform.loader);
  // Debian unstable has Orthanc's framework in usr/lib.
  const libraries = ['usr/lib/orthanc', platform.libraries, 'usr/lib']
    .map((path) => join(folder, path))
    .join(':');
  const load = ['--library-path', libraries];
  return {
    folder,
    command: (program, ...args) => [loader, ...load, join(folder, program), ...args],
    orthancCommand: (...args) => {
      const preload = join(folder, 'preload.so');
      return [loader, ...load, '--preload', preload, join(folder, 'usr/sbin/Orthanc'), ...args];
    },
  };
}

/** Creates the prefix in a temporary folder and renames the folder at the end. An interrupted start therefore leaves no partial prefix. */
async function make(folder: string, suite: Suite): Promise<void> {
  const work = `${folder}.making`;
  await rm(work, { recursive: true, force: true });
  await mkdir(work);
  try {
    const made = join(work, 'prefix');
    await mkdir(made);
    await unpackPackages(work, made, packages, suite);
    for (const path of unneeded) await rm(join(made, path), { recursive: true, force: true });
    await copyFile(preloadSource, join(made, 'preload.c'));
    const prefix = openPrefix(made);
    const files = ['-o', join(made, 'preload.so'), join(made, 'preload.c')];
    await run(prefix.command('usr/bin/tcc', '-shared', '-nostdlib', '-nostdinc', ...files));
    await run(prefix.orthancCommand('--version'));
    await run(prefix.command('usr/sbin/nginx', '-v'));
    await writeFile(join(made, 'digest'), await digest(made));
    await rm(folder, { recursive: true, force: true });
    await rename(made, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function run([program = '', ...args]: string[]): Promise<void> {
  await execute(program, args);
}

async function isWhole(folder: string): Promise<boolean> {
  const expected = await readFile(join(folder, 'digest'), 'utf8').catch(() => undefined);
  return expected !== undefined && expected === (await digest(folder));
}

/** Returns one hash over the path and content of every file. The hash detects a truncated or changed file. */
async function digest(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const all = createHash('sha256');
  const paths = entries
    .filter((entry) => entry.name !== 'digest' && !entry.isDirectory())
    .map((entry) => ({ path: join(entry.parentPath, entry.name), isLink: entry.isSymbolicLink() }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, isLink } of paths) {
    const content = isLink ? await readlink(path) : await readFile(path);
    const hash = createHash('sha256').update(content).digest('hex');
    all.update(`${relative(folder, path)}\0${hash}\n`);
  }
  return all.digest('hex');
}
