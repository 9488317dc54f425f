import { z } from 'zod';

export const StackFile = z.object({
  web: z.url(),
  gateway: z.url(),
  admin: z.object({ username: z.string(), password: z.string() }),
  people: z.array(z.object({ username: z.string(), password: z.string(), group: z.string() })),
});

export type RunningStack = z.infer<typeof StackFile>;
