import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const StackFile = z.object({
  web: z.url(),
  people: z.array(z.object({ username: z.string(), password: z.string(), group: z.string() })),
});

export type RunningStack = z.infer<typeof StackFile> & { stop: () => Promise<void> };

/**
 * The whole stack with its demo: the running one whose stack.json the variable RADGATE_STACK names, else one of its own in a
 * temporary folder, gone after `stop()`. Throws with what the stack said when it ends before it is up.
 */
export async function provideStack(): Promise<RunningStack> {
  const named = process.env['RADGATE_STACK'];
  if (named !== undefined) return { ...(await readStack(named)), stop: async () => {} };
  const data = await mkdtemp(join(tmpdir(), 'radgate-viewer-'));
  const script = fileURLToPath(new URL('../../infra/local/stack.ts', import.meta.url));
  const child = spawn(process.execPath, [script, '--no-hapi', '--data', data], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  const exited = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGINT');
    await exited;
    await rm(data, { recursive: true, force: true });
  };
  for (;;) {
    const stack = await readStack(join(data, 'stack.json')).catch(() => undefined);
    if (stack) return { ...stack, stop };
    if (child.exitCode !== null || child.signalCode !== null) {
      await stop();
      throw new Error(`the stack did not start:\n${said}`);
    }
    await sleep(200);
  }
}

async function readStack(path: string): Promise<z.infer<typeof StackFile>> {
  return StackFile.parse(JSON.parse(await readFile(path, 'utf8')));
}
