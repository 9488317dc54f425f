import { Logger } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

/** One line for each answered request: its id, route pattern (never the path, which names studies), status and duration. */
export function logRequests(server: FastifyInstance): void {
  const logger = new Logger('http');
  server.addHook('onResponse', (request, reply, done) => {
    logger.log({
      request_id: request.id,
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      account: request.account?.id ?? null,
    });
    done();
  });
}
