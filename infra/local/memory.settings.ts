/**
 * How the gateway is run, here and in infra/gateway/Dockerfile (a test holds them together). V8 sizes its young generation by the
 * machine's memory (134 MB were seen) and what streams through lives shortly: 4 MB cost nothing and free its buffers soon. The old one
 * may grow by two fifths between collections, not to a multiple: a large retrieval then takes 40 MB less.
 */
export const gatewayFlags = ['--max-semi-space-size=4', '--heap-growing-percent=40'] as const;

/** For glibc (mallopt(3)): two heaps, and what is large goes back to the system when it is freed. Without it Orthanc keeps 150 MB more. */
export const thriftyMemory = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '1048576',
  MALLOC_TRIM_THRESHOLD_: '1048576',
} as const;
