import type { FastifyRequest } from 'fastify';
import '../audit/audit.note.js';
import type { Actor } from '../audit/audit.log.js';

const CLIENT = 200;

/** The origin of a sign-in, as shown in the list of sign-ins and in the audit. */
export interface Caller {
  readonly address: string;
  /** The user agent. A longer text is cut to 200 characters. */
  readonly client: string;
}

/** The client that sent a request. */
export interface Requester extends Caller {
  readonly requestId: string;
}

/** The address and user agent of a request. */
export function callerOf(request: FastifyRequest): Caller {
  const client = (request.headers['user-agent'] ?? '').replace(/\p{Cc}/gu, '').slice(0, CLIENT);
  return { address: request.address, client };
}

/** Returns the address, user agent and id of a request. */
export function requesterOf(request: FastifyRequest): Requester {
  return { ...callerOf(request), requestId: request.id };
}

/** The account and the request, in the form for the audit. `via` says how the account signed in. */
export function actorOf(
  request: FastifyRequest,
  account: { readonly id: string; readonly name: string; readonly via: string },
): Actor {
  return {
    accountId: account.id,
    accountName: account.name,
    via: account.via,
    ...requesterOf(request),
  };
}
