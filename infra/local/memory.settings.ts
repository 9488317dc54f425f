/**
 * V8 options of the gateway, here and in infra/gateway/Dockerfile. A test checks that both places have the same options. V8 derives the
 * size of its young generation from the memory of the machine. In measurements, the young generation grew to 134 MB. Streamed buffers are
 * short-lived, so a size of 4 MB frees these buffers earlier and costs no speed. The old generation may grow by 40 % between two
 * collections. A large retrieval then needs 40 MB less memory.
 */
export const gatewayFlags = ['--max-semi-space-size=4', '--heap-growing-percent=40'] as const;

/**
 * Settings of glibc's malloc (mallopt(3)): it uses two heaps and returns large freed blocks to the system. Without these settings Orthanc
 * uses 150 MB more.
 */
export const thriftyMemory = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '1048576',
  MALLOC_TRIM_THRESHOLD_: '1048576',
} as const;
