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

/**
 * Returns the Debian packages that the stack needs and that are not installed. Minimal Debian installations lack some of these packages.
 */
function missingPackages(): string[] {
  const needed = {
    // Orthanc does not start without a time zone.
    tzdata: existsSync('/etc/localtime'),
    'util-linux': found('setpriv'),
    passwd: process.getuid?.() !== 0 || found('useradd'),
  };
  return Object.entries(needed).flatMap(([name, present]) => (present ? [] : [name]));
}

/** Installs missing packages if root runs it. Otherwise throws an error with the command that installs them. */
export function prepareMachine(log: (line: string) => void): Promise<void> {
  return installMissing(missingPackages, log);
}

/**
 * Installs the packages that `missing` returns. Calls `missing` again before the installation, because another start may have installed the
 * packages.
 */
export async function installMissing(missing: () => string[], log: (line: string) => void): Promise<void> {
  if (missing().length === 0) return;
  const waiting = () => log('another start is installing packages: waiting until it ends');
  await withLock('apt-get install', waiting, async () => {
    const packages = missing();
    if (packages.length === 0) return;
    const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
    if (process.getuid?.() !== 0) throw new Error(`packages are missing. Run this first: sudo ${command}`);
    log(`installing ${packages.join(', ')}`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await execute('sh', ['-c', `apt-get -qq update && ${command} -qq`], { env, maxBuffer: 2 ** 26 });
  });
}
