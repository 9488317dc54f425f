import { dirname } from 'node:path';
import { inject } from 'vitest';
import type { z } from 'zod';
import { readStack, type StackProcess, startStack } from './stack.process.ts';
import { answerOf } from './starter.ts';

/**
 * A whole stack with the demo. If RADGATE_STACK names the stack.json of a running stack, this stack is used. `npm test` has one stack for
 * all test files. Otherwise a new stack is started with these options.
 */
export async function provideStack<Facts>(
  shape: z.ZodType<Facts>,
  ...options: readonly string[]
): Promise<StackProcess<Facts>> {
  const starter = inject('stackStarter');
  const path = process.env['RADGATE_STACK'] ?? (starter && (await answerOf(starter)));
  if (path === undefined) return startStack(shape, ...options);
  const read = () => readStack(path, shape);
  return { data: dirname(path), facts: await read(), read, stop: async () => {} };
}
