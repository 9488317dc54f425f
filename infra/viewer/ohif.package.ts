import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const SPEC = '@ohif/app@3.13.2';
const FILE = 'ohif-app-3.13.2.tgz';

/** npm's `integrity` value (SHA-512, base64) of the viewer's OHIF package. */
export const OHIF_INTEGRITY =
  'sha512-WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA==';

/**
 * Files that are not copied: inference models (ort, 130 MB), the service worker, sign-in helpers that load scripts from other hosts,
 * hosting files, and source maps.
 */
const LEFT_OUT = [
  'ort',
  'sw.js',
  'init-service-worker.js',
  'silent-refresh.html',
  'oidc-client.min.js',
  'es6-shim.min.js',
  'polyfill.min.js',
  'google.js',
  'customizations',
  'serve.json',
  '_headers',
  '_redirects',
  'app-config.js',
];

async function isWhole(file: string): Promise<boolean> {
  const bytes = await readFile(file).catch(() => undefined);
  return (
    bytes !== undefined && `sha512-${createHash('sha512').update(bytes).digest('base64')}` === OHIF_INTEGRITY
  );
}

/** Downloads the package with `npm pack`. `npm install` would fail, because the package's dependencies are not published. */
async function fetchPackage(cacheDir: string, log: (line: string) => void): Promise<string> {
  const kept = join(cacheDir, FILE);
  if (await isWhole(kept)) return kept;
  log(`viewer: fetching ${SPEC} (50 MB)`);
  const work = await mkdtemp(join(cacheDir, '.making-'));
  try {
    await run('npm', ['pack', SPEC, '--ignore-scripts', '--silent', '--pack-destination', work], {
      cwd: work,
    });
    const fetched = join(work, FILE);
    if (!(await isWhole(fetched)))
      throw new Error(`${SPEC} as delivered by npm is not the expected package: not used`);
    await rename(fetched, kept);
    return kept;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * Unpacks the published OHIF build and its licence into `folder`. Downloads the package through npm if `cacheDir` has no complete copy.
 * Throws if npm cannot download the package or the package has a wrong hash.
 */
export async function unpackOhif(
  cacheDir: string,
  folder: string,
  log: (line: string) => void,
): Promise<void> {
  const file = await fetchPackage(cacheDir, log);
  const exclude = [...LEFT_OUT.map((name) => `package/dist/${name}`), '*.map'];
  await mkdir(folder, { recursive: true });
  await run('tar', [
    '-xzf',
    file,
    '-C',
    folder,
    '--no-same-owner',
    '--anchored',
    ...exclude.map((pattern) => `--exclude=${pattern}`),
    '--transform=s,^package/dist/,,;s,^package/LICENSE$,LICENSE.txt,',
    'package/dist',
    'package/LICENSE',
  ]);
}
