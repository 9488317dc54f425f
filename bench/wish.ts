import { z } from 'zod';

const Common = {
  /** Scheme, host and port. */
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  connections: z.number(),
};

/** The task of the load generator. */
export const Wish = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ask'), ...Common, paths: z.array(z.string()), milliseconds: z.number() }),
  z.object({
    kind: z.literal('store'),
    ...Common,
    path: z.string(),
    instances: z.number(),
    pixelBytes: z.number(),
    /** Instances of one STOW-RS request. Without it, each instance is its own POST request. */
    perRequest: z.number().optional(),
  }),
]);
export type Wish = z.infer<typeof Wish>;

/** The measurement. `p50` and `p95` are milliseconds of one request. */
export const Measured = z.object({
  milliseconds: z.number(),
  perSecond: z.number(),
  megabytesPerSecond: z.number(),
  p50: z.number(),
  p95: z.number(),
});
export type Measured = z.infer<typeof Measured>;
