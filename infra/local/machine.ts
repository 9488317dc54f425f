import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { withLock } from './lock.ts';

const execute = promisify(execFile);

const found = (program: string) =>
  [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'].some((folder) =>
    existsSync(join(folder, program)),
  );

/** Debian packages whose absence the neighbours do not survive; a slim installation may lack them. */
function missingPackages(): string[] {
  const needed = {
    // Orthanc refuses to start without a time zone.
    tzdata: existsSync('/etc/localtime'),
    'util-linux': found('setpriv'),
    passwd: process.getuid?.() !== 0 || found('useradd'),
  };
  return Object.entries(needed).flatMap(([name, present]) => (present ? [] : [name]));
}

/** Installs what the machine lacks when root; otherwise fails with the one command that does. */
export function prepareMachine(log: (line: string) => void): Promise<void> {
  return installMissing(missingPackages, log);
}

/** The same for what `missing` names when it is asked; it is asked again when another start may have installed it. */
export async function installMissing(missing: () => string[], log: (line: string) => void): Promise<void> {
  if (missing().length === 0) return;
  const waiting = () => log('another start is installing packages: waiting for it');
  await withLock('apt-get install', waiting, async () => {
    const packages = missing();
    if (packages.length === 0) return;
    const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
    if (process.getuid?.() !== 0) throw new Error(`packages are missing; run this first: sudo ${command}`);
    log(`installing ${packages.join(', ')}`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await execute('sh', ['-c', `apt-get -qq update && ${command} -qq`], { env, maxBuffer: 2 ** 26 });
  });
}
