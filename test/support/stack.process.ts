import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';

const script = join(import.meta.dirname, '../../infra/local/stack.ts');

/** A running stack. `facts` is the content of its `stack.json` at the start. `read` reads the file again. */
export interface StackProcess<Facts> {
  /** The data folder of the stack. `stop` removes it. */
  readonly data: string;
  readonly facts: Facts;
  readonly read: () => Promise<Facts>;
  /** Stops the stack as Ctrl+C does, and removes its folder. */
  readonly stop: () => Promise<void>;
}

/**
 * Starts a separate stack with `npm start -- --no-hapi` and these options. The option `--hapi` overrides `--no-hapi`. If the stack ends
 * early, throws an error with the output of the stack.
 */
export async function startStack<Facts>(
  shape: z.ZodType<Facts>,
  ...options: readonly string[]
): Promise<StackProcess<Facts>> {
  const data = await mkdtemp(join(tmpdir(), 'radgate-stack-'));
  const child = spawn(process.execPath, [script, '--no-hapi', '--data', data, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  const exited = once(child, 'exit');
  // If the hook that starts the stack times out, nobody calls `stop`.
  const end = () => void child.kill('SIGINT');
  process.once('exit', end);
  const stop = async () => {
    end();
    await exited;
    process.off('exit', end);
    await rm(data, { recursive: true, force: true });
  };
  const read = () => readStack(join(data, 'stack.json'), shape);
  for (;;) {
    const facts = await read().catch(() => undefined);
    if (facts !== undefined) return { data, facts, read, stop };
    if (child.exitCode !== null || child.signalCode !== null) {
      await stop();
      throw new Error(`the stack did not start:\n${said}`);
    }
    await sleep(200);
  }
}

/** The members of a `stack.json` that `shape` describes. */
export async function readStack<Facts>(path: string, shape: z.ZodType<Facts>): Promise<Facts> {
  return shape.parse(JSON.parse(await readFile(path, 'utf8')));
}
