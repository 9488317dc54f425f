import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';

/** Counts the requests whose response has not begun. A response that is being sent does not count, because its client can be slow. */
@Injectable()
export class WaitingRequests implements OnModuleInit {
  private readonly waiting = new WeakSet<object>();
  private running = 0;

  constructor(private readonly adapter: HttpAdapterHost) {}

  get count(): number {
    return this.running;
  }

  onModuleInit(): void {
    const server: FastifyInstance = this.adapter.httpAdapter.getInstance();
    server.addHook('onRequest', (request, reply, done) => {
      this.running += 1;
      this.waiting.add(request);
      reply.raw.once('close', () => this.end(request));
      done();
    });
    server.addHook('onSend', (request, _reply, payload, done) => {
      this.end(request);
      done(null, payload);
    });
  }

  private end(request: object): void {
    if (this.waiting.delete(request)) this.running -= 1;
  }
}
