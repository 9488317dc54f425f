/**
 * V8 options of the gateway, here and in infra/gateway/Dockerfile (a test compares them). V8 sizes its young generation by the machine's
 * memory, up to 134 MB in measurements. Streamed buffers are short-lived: with 4 MB they are freed soon, at no cost. The old generation may
 * grow by 40 % between collections; a large retrieval then needs 40 MB less.
 */
export const gatewayFlags = ['--max-semi-space-size=4', '--heap-growing-percent=40'] as const;

/** glibc settings (mallopt(3)): two heaps, and large blocks return to the system when freed. Without them Orthanc keeps 150 MB more. */
export const thriftyMemory = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '1048576',
  MALLOC_TRIM_THRESHOLD_: '1048576',
} as const;
