import { z } from 'zod';
import { type StackProcess, startStack } from '../support/stack.process.ts';

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

/** A separate stack without samples, in a folder that `stop` removes. */
export class OwnStack {
  private constructor(private readonly stack: StackProcess<Facts>) {}

  static async start(): Promise<OwnStack> {
    return new OwnStack(await startStack(StackFile, '--no-demo'));
  }

  get facts(): Facts {
    return this.stack.facts;
  }

  /** Kills a process with SIGKILL. */
  async kill(name: Neighbour): Promise<void> {
    process.kill((await this.stack.read()).pids[name], 'SIGKILL');
  }

  stop(): Promise<void> {
    return this.stack.stop();
  }
}
