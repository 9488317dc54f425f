declare module 'fastify' {
  interface FastifyRequest {
    serverTiming?: ServerTiming;
  }
}

type Span = 'auth' | 'catalog' | 'cache' | 'archive';

/** How long the parts of a request took, for the header `Server-Timing` (W3C Server Timing §3). */
export class ServerTiming {
  readonly #spans = new Map<Span, number>();

  /** Adds milliseconds to a span. */
  add(span: Span, milliseconds: number): void {
    this.#spans.set(span, (this.#spans.get(span) ?? 0) + milliseconds);
  }

  /** Runs work and adds its duration to a span. */
  async measure<T>(span: Span, work: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      return await work();
    } finally {
      this.add(span, performance.now() - begun);
    }
  }

  /**
   * The value of the header. `total`: milliseconds since the request arrived. If the request has read the catalog and not the cache, the
   * rest of the time is that of the archive.
   */
  text(total: number): string {
    const isRead = this.#spans.has('catalog') && !this.#spans.has('cache') && !this.#spans.has('archive');
    const known = [...this.#spans.values()].reduce((sum, one) => sum + one, 0);
    if (isRead) this.add('archive', Math.max(total - known, 0));
    return [...this.#spans, ['total', total] as const]
      .map(([span, milliseconds]) => `${span};dur=${milliseconds.toFixed(2)}`)
      .join(', ');
  }
}
