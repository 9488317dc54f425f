// What `npm start` and `npm test` share. Runs on whatever Node the machine has (20 or newer) with nothing installed yet, so it
// is plain JavaScript without dependencies.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const root = join(import.meta.dirname, '../..');
/** The Node 24 that the dependencies bring. */
export const node = join(root, 'node_modules/node/bin/node');

/** Ends with a sentence when the machine's Node is too old. */
export function checkNode() {
  if (Number(process.versions.node.split('.')[0]) >= 20) return;
  console.error(`Node 20 or newer is needed, this is ${process.version}: see https://nodejs.org/en/download`);
  process.exit(1);
}

/** Runs `work`, then prints one line with its name and how long it took. */
export async function step(name, work) {
  const began = Date.now();
  await work();
  console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${name}`);
}

/** Installs the dependencies exactly as locked, unless they are there already; two starts at once wait for each other. */
export async function installDependencies() {
  const release = await lock(`npm ci ${root}`);
  try {
    if (!outdated()) return;
    await step('dependencies installed (npm ci)', () =>
      quietly(
        ['npm', 'ci', '--no-audit', '--no-fund'],
        'npm could not install the dependencies: check the network and npm’s registry',
      ),
    );
  } finally {
    release();
  }
}

const time = (file) => statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;

const patches = () => readdirSync(join(root, 'patches')).map((file) => `patches/${file}`);

function outdated() {
  // npm writes this file last, so an interrupted install counts as none.
  const installed = time('node_modules/.package-lock.json');
  const newest = Math.max(...['package-lock.json', 'patches', ...patches()].map(time));
  return time('node_modules/node/bin/node') === 0 || installed < newest;
}

/** Runs a command in the project's folder with its output in a file; when it fails, shows the end of it and what to do. */
export async function quietly(command, advice) {
  const folder = mkdtempSync(join(tmpdir(), 'radgate-log-'));
  const log = join(folder, 'output.log');
  const output = openSync(log, 'a');
  const status = await run(command, { stdio: ['ignore', output, output] });
  closeSync(output);
  if (status === 0) return rmSync(folder, { recursive: true });
  console.error(readFileSync(log, 'utf8').trimEnd().split('\n').slice(-15).join('\n'));
  console.error(`\n${advice} (all of its output: ${log})`);
  process.exit(1);
}

/** Runs a command to its end, in the project's folder; resolves with its exit status. */
export function run([program, ...args], options) {
  const child = spawn(program, args, { cwd: root, stdio: 'inherit', ...options });
  return ended(child);
}

/** The exit status of a child: 127 when it could not be started, 128 + n when signal n ended it. */
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
    if (tries === 1) console.log('          another start is installing the dependencies: waiting for it');
    // An abstract socket: the kernel gives it back when its holder dies.
    const server = createServer();
    const held = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(address, () => resolve(true));
    });
    if (held) return () => server.close();
    await sleep(300);
  }
}
