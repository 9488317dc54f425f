import { Logger } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

/**
 * Logs one line for each request, with its id, route pattern, status, duration and account. The path is not logged, because it contains
 * study UIDs.
 */
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
