import { Logger } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

/** The context of the lines about requests. The logger writes these lines together (json.logger.ts). */
export const REQUEST_CONTEXT = 'http';

const LIVENESS = '/health/live';

/**
 * Logs one line for each request, with its id, route pattern, status, duration and account. The path is not logged, because it contains
 * study UIDs. A successful health check of the process is logged at level debug, because it arrives every few seconds.
 */
export function logRequests(server: FastifyInstance): void {
  const logger = new Logger(REQUEST_CONTEXT);
  server.addHook('onResponse', (request, reply, done) => {
    const line = {
      request_id: request.id,
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      account: request.account?.id ?? null,
    };
    if (line.route === LIVENESS && line.status === 200) logger.debug(line);
    else logger.log(line);
    done();
  });
}
