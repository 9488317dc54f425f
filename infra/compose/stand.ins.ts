import { execFile } from 'node:child_process';
import { access, cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { provideHapi } from '../hapi/build.ts';
import { debianMirrors } from '../local/apt.ts';
import { withLock } from '../local/lock.ts';
import type { Engine } from './engine.ts';

const execute = promisify(execFile);
const recipes = join(import.meta.dirname, 'stand-ins');
const base = 'radgate-stand-in/debian';
const npmVersion = '11.19.1';
const authorities = '/etc/ssl/certs/ca-certificates.crt';

/** The published images that the Dockerfiles of this repository build on, and the folder with the stand-in of each. */
export const STAND_INS: Readonly<Record<string, string>> = {
  'node:24.21.0-trixie-slim': 'node',
  'postgres:18.6-trixie': 'postgres',
  'jodogne/orthanc-plugins:1.13.0': 'orthanc',
  'nginx:1.30.4-trixie': 'nginx',
  'busybox:1.38.0-musl': 'busybox',
  'hapiproject/hapi:v8.8.0-1': 'hapi',
};

/**
 * Makes images under the names of the published ones, for machines that cannot reach a registry of images. They consist of Debian
 * packages, Node of the npm registry and the HAPI server of infra/hapi. Each Dockerfile in stand-ins/ says what its image stands for.
 */
export async function makeStandIns(
  engine: Engine,
  options: { cacheDir: string; log: (line: string) => void },
): Promise<void> {
  const { cacheDir, log } = options;
  await importDebian(engine, await provideDebian(cacheDir, log));
  for (const [image, folder] of Object.entries(STAND_INS)) {
    const context = await mkdtemp(join(tmpdir(), 'radgate-stand-in-'));
    try {
      await cp(join(recipes, folder), context, { recursive: true });
      if (folder === 'node') await addNode(context);
      if (folder === 'hapi')
        await cp(await provideHapi(cacheDir, log), join(context, 'hapi'), { recursive: true });
      await engine.run(['docker', 'buildx', 'build', '--progress', 'plain', '--load', '-t', image, context]);
    } finally {
      await rm(context, { recursive: true, force: true });
    }
  }
}

/** Node (a development dependency of this repository) and npm, both from the npm registry. */
async function addNode(context: string): Promise<void> {
  const modules = join(import.meta.dirname, '../../node_modules');
  await cp(join(modules, 'node/bin/node'), join(context, 'node'));
  await execute('npm', ['pack', `npm@${npmVersion}`, '--pack-destination', context]);
  await mkdir(join(context, 'npm'));
  const archive = join(context, `npm-${npmVersion}.tgz`);
  await execute('tar', ['-xzf', archive, '-C', join(context, 'npm'), '--strip-components=1']);
}

/** A minimal Debian forky as a tar file in the cache. */
async function provideDebian(cacheDir: string, log: (line: string) => void): Promise<string> {
  const file = join(cacheDir, 'debian-forky.tar');
  const made = () =>
    access(file).then(
      () => true,
      () => false,
    );
  await withLock(
    file,
    () => log('another start is making the Debian image: waiting until it ends'),
    async () => {
      if (await made()) return;
      const [mirror] = await debianMirrors('forky');
      if (!mirror) throw new Error("apt's sources name no Debian archive");
      const work = `${file}.making`;
      await rm(work, { recursive: true, force: true });
      await mkdir(work);
      // Older versions of debootstrap do not know forky, whose steps are those of sid.
      const script = '/usr/share/debootstrap/scripts/sid';
      const options = ['--variant=minbase', '--include=ca-certificates'];
      await execute('debootstrap', [...options, 'forky', join(work, 'root'), mirror.archive, script], {
        maxBuffer: 2 ** 26,
      });
      await rm(join(work, 'root/var/cache/apt/archives'), { recursive: true, force: true });
      // A mirror that copies this suite rarely serves an expired list of packages. Signatures are checked.
      await writeFile(join(work, 'root/etc/apt/apt.conf.d/mirror'), 'Acquire::Check-Valid-Until "false";\n');
      // The authorities that this machine trusts, such as that of a proxy.
      await cp(authorities, join(work, 'root', authorities));
      await execute('tar', ['-C', join(work, 'root'), '-cf', join(work, 'root.tar'), '.']);
      await rename(join(work, 'root.tar'), file);
      await rm(work, { recursive: true, force: true });
    },
  );
  return file;
}

async function importDebian(engine: Engine, file: string): Promise<void> {
  await engine.run(['docker', 'import', file, base]);
}
