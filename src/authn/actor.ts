import type { FastifyRequest } from 'fastify';
import '../audit/audit.note.js';
import type { Actor } from '../audit/audit.log.js';

const CLIENT = 200;

/** From where a sign-in comes, as its owner and the audit are told. */
export interface Caller {
  readonly address: string;
  /** The user agent, cut to 200 characters. */
  readonly client: string;
}

/** The address and user agent of a request. */
export function callerOf(request: FastifyRequest): Caller {
  const client = (request.headers['user-agent'] ?? '').replace(/\p{Cc}/gu, '').slice(0, CLIENT);
  return { address: request.address, client };
}

/** The account and the request as the audit notes them; `via` is how the account proved itself. */
export function actorOf(
  request: FastifyRequest,
  account: { readonly id: string; readonly name: string; readonly via: string },
): Actor {
  return {
    accountId: account.id,
    accountName: account.name,
    via: account.via,
    ...callerOf(request),
    requestId: request.id,
  };
}
