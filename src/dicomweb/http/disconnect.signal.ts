import type { FastifyReply } from 'fastify';
import { BadRequest } from '../../problems/errors.js';

/** A signal that aborts when the client closes its connection before the answer is complete. The reason is a `BadRequest`. */
export function disconnectSignal(reply: FastifyReply): AbortSignal {
  const disconnected = new AbortController();
  const abort = () => {
    // The connection also emits `close` after a complete answer.
    if (!reply.raw.writableFinished)
      disconnected.abort(new BadRequest('incomplete-body', 'The client closed the connection.'));
  };
  if (reply.raw.destroyed) abort();
  else reply.raw.once('close', abort);
  return disconnected.signal;
}
