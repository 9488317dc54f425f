import { z } from 'zod';

const Common = {
  /** Scheme, host and port. */
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  connections: z.number(),
};

/** A task for the load generator. */
export const Wish = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('ask'),
    ...Common,
    paths: z.array(z.string()),
    milliseconds: z.number(),
    /** Whether each path is requested only once. The measurement then ends with the last path. */
    once: z.boolean().default(false),
    /** The expected status. */
    status: z.number().default(200),
  }),
  z.object({
    kind: z.literal('store'),
    ...Common,
    path: z.string(),
    instances: z.number(),
    pixelBytes: z.number(),
    /** The number of instances in one STOW-RS request. If it is absent, each instance is sent in a separate POST request. */
    perRequest: z.number().optional(),
  }),
]);
export type Wish = z.input<typeof Wish>;
/** A task with its defaults. */
export type Task = z.output<typeof Wish>;

/** The measurement. `p50` and `p95` are the percentiles of the request duration in milliseconds. */
export const Measured = z.object({
  milliseconds: z.number(),
  perSecond: z.number(),
  megabytesPerSecond: z.number(),
  requests: z.number(),
  p50: z.number(),
  p95: z.number(),
});
export type Measured = z.infer<typeof Measured>;
