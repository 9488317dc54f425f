import { spawn } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { access, chmod, copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unpackPackages } from '../local/apt.ts';
import { withLock } from '../local/lock.ts';
import { installMissing } from '../local/machine.ts';

const plugins = ['docker-compose', 'docker-buildx'];
const startSeconds = 60;
/** Each program that is needed, and its Debian package. */
const tools = { dockerd: 'docker.io', iptables: 'iptables', debootstrap: 'debootstrap' };

/** A container engine with its own data and its own plugins. */
export type Engine = {
  /** The environment for `docker`: this engine and its plugins. */
  env: NodeJS.ProcessEnv;
  /** Runs a command line with this engine. Fails with its output; returns its standard output. */
  run: (command: readonly string[], options?: { cwd?: string; input?: string }) => Promise<string>;
  stop: () => Promise<void>;
};

/**
 * Starts `dockerd` as root with its data in `dir`. Installs Docker with apt if it is missing. Compose and buildx are packages of Debian
 * forky, because the versions in earlier suites are too old. Throws an error if another engine runs on this machine.
 */
export async function startEngine(options: {
  dir: string;
  cacheDir: string;
  log: (line: string) => void;
}): Promise<Engine> {
  if (process.getuid?.() !== 0) throw new Error('a container engine needs root');
  const { dir, cacheDir, log } = options;
  await installMissing(missingPackages, log);
  // Two engines would change the same bridge and the same rules of the packet filter.
  const { DOCKER_HOST: _, ...machine } = process.env;
  if (await outputOf('docker', ['version'], { env: machine }).catch(() => undefined))
    throw new Error('Another container engine runs on this machine. Stop it, or run this elsewhere.');
  const folder = await providePlugins(cacheDir, log);
  await mkdir(dir, { recursive: true, mode: 0o711 });
  const socket = `unix://${join(dir, 'docker.sock')}`;
  const output = openSync(join(dir, 'dockerd.log'), 'a', 0o600);
  const paths = ['--data-root', join(dir, 'data'), '--exec-root', join(dir, 'exec')];
  const files = ['--pidfile', join(dir, 'docker.pid'), '-H', socket];
  const command = ['--pdeathsig', 'TERM', '--', 'dockerd', ...paths, ...files];
  const daemon = spawn('setpriv', command, { stdio: ['ignore', output, output], detached: true });
  const ended = new Promise<void>((resolve) => void daemon.once('exit', () => resolve()));
  const env = { ...process.env, DOCKER_HOST: socket, DOCKER_CONFIG: folder };
  const run: Engine['run'] = ([program = '', ...args], { cwd, input } = {}) =>
    outputOf(program, args, { env, cwd, input });
  const stop = async () => {
    daemon.kill('SIGTERM');
    await ended;
  };
  const deadline = Date.now() + startSeconds * 1000;
  while (!(await run(['docker', 'version']).catch(() => undefined))) {
    if (Date.now() > deadline || daemon.exitCode !== null) {
      await stop();
      const lines = (await readFile(join(dir, 'dockerd.log'), 'utf8')).trimEnd().split('\n').slice(-5);
      throw new Error(`dockerd did not start:\n${lines.join('\n')}`);
    }
    await sleep(200);
  }
  return { env, run, stop };
}

function missingPackages(): string[] {
  const missing = Object.entries(tools).filter(([program]) => !existsSync(`/usr/sbin/${program}`));
  return missing.map(([, name]) => name);
}

function outputOf(
  program: string,
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; cwd?: string | undefined; input?: string | undefined },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: options.env, cwd: options.cwd });
    const stdout: Buffer[] = [];
    const all: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => void (stdout.push(chunk), all.push(chunk)));
    child.stderr.on('data', (chunk: Buffer) => void all.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) return resolve(Buffer.concat(stdout).toString());
      const said = Buffer.concat(all).toString().trimEnd().split('\n').slice(-30).join('\n');
      reject(new Error(`${program} ${args.slice(0, 6).join(' ')} ended with status ${code}\n${said}`));
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input);
  });
}

/** The folder for DOCKER_CONFIG with the plugins compose and buildx, downloaded once. */
async function providePlugins(cacheDir: string, log: (line: string) => void): Promise<string> {
  const folder = join(cacheDir, 'docker-plugins');
  const isMade = () =>
    access(join(folder, 'config.json')).then(
      () => true,
      () => false,
    );
  await mkdir(cacheDir, { recursive: true });
  await withLock(
    folder,
    () => log('another start is downloading docker compose: waiting until it ends'),
    async () => {
      if (await isMade()) return;
      const work = `${folder}.making`;
      await rm(work, { recursive: true, force: true });
      await mkdir(join(work, 'made/cli-plugins'), { recursive: true });
      await unpackPackages(work, join(work, 'unpacked'), plugins, 'forky');
      for (const name of plugins) {
        const file = join(work, 'made/cli-plugins', name);
        await copyFile(join(work, 'unpacked/usr/libexec/docker/cli-plugins', name), file);
        await chmod(file, 0o755);
      }
      await writeFile(join(work, 'made/config.json'), '{}');
      await rm(folder, { recursive: true, force: true });
      await rename(join(work, 'made'), folder);
      await rm(work, { recursive: true, force: true });
    },
  );
  return folder;
}
