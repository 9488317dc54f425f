import type { FastifyRequest } from 'fastify';
import type { Actor } from '../audit/audit.log.js';

const CLIENT = 200;

/** The account and the request as the audit notes them; `via` is how the account proved itself. */
export function actorOf(
  request: FastifyRequest,
  account: { readonly id: string; readonly name: string; readonly via: string },
): Actor {
  return {
    accountId: account.id,
    accountName: account.name,
    via: account.via,
    address: request.address,
    client: (request.headers['user-agent'] ?? '').slice(0, CLIENT),
    requestId: request.id,
  };
}
