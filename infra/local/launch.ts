import { execFile, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const stopTimeoutMs = 10_000;
const systemUser = 'radgate';

/** A process of the stack. `exited` resolves with the reason ("signal SIGKILL", "status 1") and never rejects. */
export type Running = {
  pid: number;
  log: string;
  exited: Promise<string>;
  /** Stops the process. If it is still running after ten seconds, kills it. Resolves after the process has ended. */
  stop: () => Promise<void>;
  /** Sends SIGKILL if the process is still running. */
  kill: () => void;
};

export type Launch = {
  command: readonly string[];
  env?: Record<string, string>;
  cwd?: string;
  /** The file that receives stdout and stderr. */
  log: string;
  /** The signal that shuts the program down cleanly. */
  stopSignal?: 'SIGTERM' | 'SIGINT';
};

async function findUser(): Promise<{ uid: number; gid: number }> {
  const uid = await execute('id', ['-u', systemUser]);
  const gid = await execute('id', ['-g', systemUser]);
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

/**
 * Returns the system user for Orthanc, PostgreSQL and HAPI if root starts the stack, because PostgreSQL refuses to run as root. Creates
 * this user if it is missing. Returns `undefined` if another user starts the stack.
 */
export async function neighbourUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  try {
    return await findUser();
  } catch {
    const shell = '/usr/sbin/nologin';
    const args = ['--system', '--user-group', '--no-create-home', '--shell', shell, systemUser];
    const refused = await execute('useradd', args).then(() => undefined, String);
    try {
      // If two stacks start at the same time, the slower one cannot create the user, but then finds it.
      return await findUser();
    } catch {
      throw new Error(
        `the system user ${systemUser} cannot be created (apt-get install passwd?): ${refused}`,
      );
    }
  }
}

/**
 * Returns the command line that runs `command` as an unprivileged child process. When the parent process ends, even by kill -9, the kernel
 * ends the child. If root starts the stack, the child runs as another user. Its only capability is to enter closed folders such as /root.
 */
export async function guarded(command: readonly string[], signal = 'SIGTERM'): Promise<string[]> {
  const user = await neighbourUser();
  const identity = user ? ['--reuid', `${user.uid}`, '--regid', `${user.gid}`, '--clear-groups'] : [];
  // DCMTK calls access(2). Without the secure bit `no_setuid_fixup`, access(2) ignores the capability.
  const caps = ['--inh-caps', '-all,+dac_override', '--ambient-caps', '+dac_override'];
  const capabilities = user ? [...caps, '--securebits', '+no_setuid_fixup'] : [];
  const death = ['--no-new-privs', '--pdeathsig', signal.replace('SIG', '')];
  return ['setpriv', ...identity, ...capabilities, ...death, '--', ...command];
}

/** Starts a process that ends when this process ends. Throws if the program cannot be started. */
export async function launch(options: Launch): Promise<Running> {
  const stopSignal = options.stopSignal ?? 'SIGTERM';
  const [program, ...args] = await guarded(options.command, stopSignal);
  if (program === undefined) throw new Error('nothing to launch');
  const log = openSync(options.log, 'a', 0o600);
  const child = spawn(program, args, {
    cwd: options.cwd,
    // The child runs in its own session. ^C in the terminal therefore reaches only the supervisor, which stops all processes in order.
    detached: true,
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LANG: 'C.UTF-8', ...options.env },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => {
      // If nginx's master process is killed, the worker processes continue to run and would occupy the port.
      sweep(child.pid);
      resolve(signal ? `signal ${signal}` : `status ${code}`);
    });
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} cannot be started: ${await exited}`);
  return {
    pid,
    log: options.log,
    exited,
    kill: () => void child.kill('SIGKILL'),
    stop: () =>
      stop(
        () => child.kill(stopSignal),
        () => child.kill('SIGKILL'),
        exited,
      ),
  };
}

/** Kills the remaining processes of a group after its first process has ended. */
function sweep(group: number | undefined): void {
  try {
    if (group !== undefined) process.kill(-group, 'SIGKILL');
  } catch {
    // Usually, no process remains.
  }
}

async function stop(ask: () => boolean, kill: () => boolean, exited: Promise<string>): Promise<void> {
  if (!ask()) return void (await exited);
  const timeout = new AbortController();
  const late = sleep(stopTimeoutMs, 'late', { signal: timeout.signal }).catch(() => 'ended');
  if ((await Promise.race([exited, late])) === 'late') kill();
  timeout.abort();
  await exited;
}

/** Calls `ready` ten times a second until it returns true. Throws if the process ends or `seconds` have passed. */
export async function until(
  what: string,
  running: Running,
  ready: () => Promise<boolean>,
  seconds = 60,
): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  let ended: string | undefined;
  void running.exited.then((reason) => (ended = reason));
  while (!(await ready().catch(() => false))) {
    if (ended !== undefined)
      throw new Error(`${what} ended while starting (${ended})${lastWords(running.log)}`);
    if (Date.now() > deadline) {
      await running.stop();
      throw new Error(`${what} did not answer within ${seconds} s${lastWords(running.log)}`);
    }
    await sleep(100);
  }
  // If the started process has ended, another process has answered on its port.
  if (ended !== undefined)
    throw new Error(`${what} ended while starting (${ended})${lastWords(running.log)}`);
}

function lastWords(log: string): string {
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-5);
  return `; the end of ${log}:\n${lines.join('\n')}`;
}

/**
 * Whether a GET request gets the status 200. Each call uses its own connection, because an open connection would delay the shutdown of the
 * server.
 */
export function answersOk(url: string, auth?: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const request = get(
      url,
      { agent: false, timeout: 2000, ...(auth !== undefined && { auth }) },
      (answer) => {
        answer.resume();
        answer.once('close', () => resolve(answer.statusCode === 200));
      },
    );
    request.once('timeout', () => request.destroy(new Error('no answer within 2 s')));
    request.once('error', reject);
  });
}
