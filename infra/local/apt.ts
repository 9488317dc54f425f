import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
/** A Debian suite: trixie is Debian 13, forky the next one, and sid the unstable distribution. */
export type Suite = 'trixie' | 'forky' | 'sid';

const keyrings = ['gpg', 'pgp'].map((ending) => `/usr/share/keyrings/debian-archive-keyring.${ending}`);
const architectures: Record<string, string> = { x64: 'amd64', arm64: 'arm64' };

/**
 * Downloads packages of a Debian suite with their dependencies, including the C library, and unpacks them into `target`. Installs no package and
 * needs no root rights. apt uses an empty system in `work`, with the mirror, proxy and archive keys of this machine, and verifies every
 * signature. Throws if no package source of the machine works.
 */
export async function unpackPackages(
  work: string,
  target: string,
  packages: readonly string[],
  suite: Suite = 'trixie',
): Promise<void> {
  const mirrors = await debianMirrors(suite);
  if (mirrors.length === 0)
    throw new Error("apt's sources name no Debian archive: add one to /etc/apt/sources.list.d");
  const failures: string[] = [];
  for (const [number, mirror] of mirrors.entries()) {
    const apt = await emptySystem(join(work, `apt-${number}`), mirror, suite);
    try {
      await apt.get('update');
      await apt.get('install', '--yes', '--download-only', ...packages);
    } catch (error) {
      failures.push(`${mirror.archive}: ${reason(error)}`);
      continue;
    }
    const archives = (await readdir(apt.archives)).filter((file) => file.endsWith('.deb'));
    for (const file of archives) await execute('dpkg-deb', ['--extract', join(apt.archives, file), target]);
    return;
  }
  throw new Error(
    `Packages of Debian ${suite} cannot be downloaded. Check the network and the sources of apt.\n${failures.join('\n')}`,
  );
}

const looksDebian = (uri: string) => /\/debian\/?$/.test(uri);

export type Mirror = { archive: string; security: string | undefined };

/**
 * Returns the package archives in this machine's apt sources that may be Debian's. Archives whose URL ends with `/debian` come first,
 * because archives of other projects may use the names of Debian's suites too.
 */
export async function debianMirrors(suite: Suite): Promise<Mirror[]> {
  const release = await readFile('/etc/os-release', 'utf8');
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(release)?.[1] ?? 'stable';
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)';
  const { stdout } = await execute('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const sources = stdout.split('\n').map((line) => line.split(' '));
  const uris = (releases: string[]) => [
    ...new Set(
      sources
        .filter(([, name = '', part]) => part === 'main' && releases.includes(name))
        .map(([uri = '']) => uri),
    ),
  ];
  const security = uris([`${codename}-security`, 'stable-security'])[0];
  return uris([codename, 'stable', suite])
    .sort((a, b) => Number(looksDebian(b)) - Number(looksDebian(a)))
    .map((archive) => ({ archive, security }));
}

async function emptySystem(folder: string, { archive, security }: Mirror, suite: Suite) {
  const archives = join(folder, 'archives');
  const lists = join(folder, 'lists');
  const sources = join(folder, 'sources.list');
  await mkdir(join(archives, 'partial'), { recursive: true });
  await mkdir(join(lists, 'partial'), { recursive: true });
  await writeFile(join(folder, 'status'), '');
  const keyring = keyrings.find((file) => existsSync(file));
  const signed = keyring ? `[signed-by=${keyring}] ` : '';
  const updates = security && suite === 'trixie' ? [`deb ${signed}${security} ${suite}-security main`] : [];
  await writeFile(sources, [`deb ${signed}${archive} ${suite} main`, ...updates, ''].join('\n'));
  const architecture = architectures[process.arch] ?? process.arch;
  const settings = {
    'Dir::State': folder,
    'Dir::State::lists': lists,
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': folder,
    'Dir::Cache::archives': archives,
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Install-Recommends': 'false',
    'APT::Update::Error-Mode': 'any',
    // The default user for apt's downloads cannot write into the private folder.
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const get = (...args: string[]) =>
    execute('apt-get', ['-qq', ...options, ...args], {
      maxBuffer: 2 ** 26,
      env: { ...process.env, LC_ALL: 'C' },
    });
  return { archives, get };
}

function reason(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
  return said.trim().split('\n').slice(-4).join('\n');
}
