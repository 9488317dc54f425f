import { z } from 'zod';
import { readStack, startStack } from '../support/stack.process.ts';

const StackFile = z.object({
  web: z.url(),
  gateway: z.url(),
  admin: z.object({ username: z.string(), password: z.string() }),
  people: z.array(z.object({ username: z.string(), password: z.string(), group: z.string() })),
});

export type RunningStack = z.infer<typeof StackFile> & { stop: () => Promise<void> };

/**
 * A whole stack with the demo. If RADGATE_STACK names the stack.json of a running stack, this stack is used. Otherwise a new one is
 * started.
 */
export async function provideStack(): Promise<RunningStack> {
  const named = process.env['RADGATE_STACK'];
  if (named !== undefined) return { ...(await readStack(named, StackFile)), stop: async () => {} };
  const { facts, stop } = await startStack(StackFile);
  return { ...facts, stop };
}
