import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

const script = join(import.meta.dirname, '../../infra/local/stack.ts');

const StackFile = z.object({
  web: z.url(),
  admin: z.object({ username: z.string(), password: z.string() }),
  orthanc: z.object({ url: z.url(), username: z.string(), password: z.string() }),
  database: z.object({ url: z.string() }),
  pids: z.object({
    gateway: z.number(),
    orthanc: z.number(),
    postgres: z.number(),
    nginx: z.number(),
  }),
});

export type Neighbour = 'gateway' | 'orthanc' | 'postgres' | 'nginx';
export type Facts = z.infer<typeof StackFile>;

/** A stack of this test's own, as `npm start -- --no-demo --no-hapi` brings it up, in a folder that `stop` removes. */
export class OwnStack {
  private readonly data: string;
  readonly facts: Facts;
  readonly stop: () => Promise<void>;

  private constructor(data: string, facts: Facts, stop: () => Promise<void>) {
    this.data = data;
    this.facts = facts;
    this.stop = stop;
  }

  static async start(): Promise<OwnStack> {
    const data = await mkdtemp(join(tmpdir(), 'radgate-chaos-'));
    const child = spawn(process.execPath, [script, '--no-hapi', '--no-demo', '--data', data], {
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
      const facts = await readFacts(data).catch(() => undefined);
      if (facts) return new OwnStack(data, facts, stop);
      if (child.exitCode !== null || child.signalCode !== null) {
        await stop();
        throw new Error(`the stack did not start:\n${said}`);
      }
      await sleep(200);
    }
  }

  /** `kill -9`, as nothing in the stack expects it. */
  async kill(name: Neighbour): Promise<void> {
    process.kill((await readFacts(this.data)).pids[name], 'SIGKILL');
  }
}

async function readFacts(data: string): Promise<Facts> {
  return StackFile.parse(JSON.parse(await readFile(join(data, 'stack.json'), 'utf8')));
}
