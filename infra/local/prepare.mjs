// `npm start` and `npm test` use these functions. They run on the machine's own Node (20 or newer) before the dependencies are installed.
// The file is therefore plain JavaScript without dependencies.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const root = join(import.meta.dirname, '../..');
/** The path of Node 24, which is one of the installed dependencies. */
export const node = join(root, 'node_modules/node/bin/node');

/** Exits with a message if the machine's Node is too old. */
export function checkNode() {
  if (Number(process.versions.node.split('.')[0]) >= 20) return;
  console.error(`Node 20 or newer is needed, this is ${process.version}: see https://nodejs.org/en/download`);
  process.exit(1);
}

/** Runs `work`, then prints one line with the name and the duration. */
export async function step(name, work) {
  const began = Date.now();
  await work();
  console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${name}`);
}

/** Installs the locked dependencies if they are missing or outdated. If two starts run at the same time, one waits for the other. */
export async function installDependencies() {
  const release = await lock(`npm ci ${root}`);
  try {
    if (!outdated()) return;
    await step('dependencies installed (npm ci)', () =>
      quietly(
        ['npm', 'ci', '--prefer-offline', '--no-audit', '--no-fund'],
        'npm could not install the dependencies. Check the network and the registry of npm.',
      ),
    );
  } finally {
    release();
  }
}

const time = (file) => statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;

const patches = () => readdirSync(join(root, 'patches')).map((file) => `patches/${file}`);

function outdated() {
  // npm writes this file last. If an installation was interrupted, the file is missing or old, and the installation is repeated.
  const installed = time('node_modules/.package-lock.json');
  const newest = Math.max(...['package-lock.json', 'patches', ...patches()].map(time));
  return time('node_modules/node/bin/node') === 0 || installed < newest;
}

/**
 * Runs a command in the project's folder and writes its output to a file. If the command fails, prints the end of the output and `advice`.
 */
export async function quietly(command, advice) {
  const folder = mkdtempSync(join(tmpdir(), 'radgate-log-'));
  const log = join(folder, 'output.log');
  const output = openSync(log, 'a');
  const status = await run(command, { stdio: ['ignore', output, output] });
  closeSync(output);
  if (status === 0) return rmSync(folder, { recursive: true });
  console.error(readFileSync(log, 'utf8').trimEnd().split('\n').slice(-15).join('\n'));
  console.error(`\n${advice} (full output: ${log})`);
  process.exit(1);
}

/** Runs a command in the project's folder. Resolves with its exit status. */
export function run([program, ...args], options) {
  const child = spawn(program, args, { cwd: root, stdio: 'inherit', ...options });
  return ended(child);
}

/** Resolves with the exit status of a child: 127 if it could not be started, 128 + n if signal n ended it. */
export function ended(child) {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      console.error(error.message);
      resolve(127);
    });
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143)));
  });
}

async function lock(name) {
  const address = `\0radgate-${createHash('sha256').update(name).digest('hex')}`;
  for (let tries = 0; ; tries += 1) {
    if (tries === 1)
      console.log('          another start is installing the dependencies: waiting until it ends');
    // The lock is an abstract socket, so the kernel releases the lock when the process ends.
    const server = createServer();
    const held = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(address, () => resolve(true));
    });
    if (held) return () => server.close();
    await sleep(300);
  }
}
