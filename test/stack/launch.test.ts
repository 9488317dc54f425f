import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { expect, it, vi } from 'vitest';
import { launch } from '../../infra/local/launch.ts';
import { tryLock } from '../../infra/local/lock.ts';
import { reservePort } from '../../infra/local/port.ts';
import { Supervisor } from '../../infra/local/supervisor.ts';

const launcher = new URL('../../infra/local/launch.ts', import.meta.url).href;

/**
 * Whether a process runs. A zombie (an ended process whose parent has not waited for it) does not run: its state is `Z`, or `X` at the
 * very end. The command line does not tell: it is also empty for a moment while a new process becomes its program (execve).
 */
async function lives(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const state = stat.slice(stat.lastIndexOf(')') + 2).charAt(0);
  return state !== '' && state !== 'Z' && state !== 'X';
}

const sleeper = () => launch({ command: ['sleep', '600'], log: '/dev/null' });

it('ends what it launched when it is killed itself', async () => {
  const script = `
    const { launch } = await import(${JSON.stringify(launcher)});
    const sleeper = await launch({ command: ['sleep', '600'], log: '/dev/null' });
    console.log(sleeper.pid);
    await sleeper.exited;`;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await once(parent.stdout, 'data');
  const pid = Number(String(said));
  expect(await lives(pid)).toBe(true);
  parent.kill('SIGKILL');
  await vi.waitFor(async () => expect(await lives(pid)).toBe(false), 5000);
});

it('starts a process again when it ends, says so, and leaves it stopped when asked to', async () => {
  const said: string[] = [];
  const pids: number[] = [];
  const supervisor = new Supervisor(
    (line) => said.push(line),
    (running) => pids.push(running['sleeper'] ?? 0),
  );
  await supervisor.keep('sleeper', sleeper);
  process.kill(supervisor.pid('sleeper'), 'SIGKILL');
  await vi.waitFor(() => expect(pids).toHaveLength(2), 5000);
  expect(said[0]).toContain('sleeper ended (signal SIGKILL)');
  expect(await lives(supervisor.pid('sleeper'))).toBe(true);
  await supervisor.stop(['sleeper']);
  expect(await lives(supervisor.pid('sleeper'))).toBe(false);
  expect(pids).toHaveLength(2);
});

it('gives up on a program that cannot be run', async () => {
  const running = await launch({ command: ['/nowhere/program'], log: '/dev/null' });
  expect(await running.exited).toMatch(/^status 1/);
});

it('skips a port in use, and a port reserved by another process', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const taken = typeof address === 'object' && address ? address.port : 0;
  const free = await reservePort(taken);
  server.close();
  expect(free).toBeGreaterThan(taken);
  expect(await reservePort(free)).toBeGreaterThan(free);
});

it('gives a lock to one holder at a time', async () => {
  const name = `test ${process.pid}`;
  const release = await tryLock(name);
  expect(await tryLock(name)).toBeUndefined();
  await release?.();
  const again = await tryLock(name);
  expect(again).toBeDefined();
  await again?.();
});
