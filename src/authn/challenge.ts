import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Adds `WWW-Authenticate` to a 401 (RFC 9110 §11.6.1). `Basic` only to callers that show no sign of a browser, which would ask
 * its user for a password.
 */
export function challenge(request: FastifyRequest, reply: FastifyReply): void {
  const { headers } = request;
  const browser =
    headers.origin !== undefined ||
    headers.cookie !== undefined ||
    Object.keys(headers).some((name) => name.startsWith('sec-fetch-'));
  const bearer = 'Bearer realm="radgate"';
  void reply.header(
    'www-authenticate',
    browser ? bearer : [bearer, 'Basic realm="radgate", charset="UTF-8"'],
  );
}
