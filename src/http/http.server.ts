import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import cookie from '@fastify/cookie';
import cors from '@fastify/cors';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Env } from '../config/env.js';
import { BadRequest } from '../problems/errors.js';
import { type Refusal, rawRefusal, sendRefusal } from './problem.answer.js';
import { refusalOf } from './problem.filter.js';

/** The limits of a JSON body. DICOM bodies are streams with limits of their own. */
const JSON_BYTES = 1024 * 1024;
const JSON_MS = 20_000;
/** The longest pause within the unread rest of a body, and its longest duration; then the connection is closed. */
const REST_PAUSE_MS = 20_000;
const REST_MS = 300_000;
const REQUEST_ID = /^[\w-]{8,64}$/;

/**
 * The Fastify server. DICOM bodies stay streams, so that the guards run before a byte is read. Request ids are passed through. Refusals that
 * Fastify makes itself have the form of all others.
 */
export function httpServer(env: Env): FastifyAdapter {
  const server = fastify({
    bodyLimit: JSON_BYTES,
    trustProxy: env.TRUSTED_PROXIES.length === 0 ? false : [...env.TRUSTED_PROXIES],
    genReqId: requestId,
    // A list of frames may be long. Node limits the request line with all headers.
    routerOptions: { maxParamLength: 16 * 1024 },
    return503OnClosing: true,
    // Some clients write the root of the service with a slash at its end; the router knows the other form.
    rewriteUrl: ({ url = '/' }) => url.replace(/^\/dicom-web\/(?=$|\?)/, '/dicom-web'),
    forceCloseConnections: 'idle',
    // Otherwise HEAD of a retrieval would read the instance from the archive.
    exposeHeadRoutes: false,
    clientErrorHandler: refuseMalformed,
    // No hook runs for a path that cannot be decoded.
    frameworkErrors: (error, request, reply: FastifyReply) => {
      setCommonHeaders(request, reply);
      reply.raw.once('finish', () => drain(request.raw));
      sendRefusal(reply, refusalOf(error));
    },
  });
  server.removeContentTypeParser('text/plain');
  server.addContentTypeParser('*', (_request: FastifyRequest, payload: IncomingMessage, done) => {
    done(null, payload);
  });
  // In preParsing, after the hook that reads the client's address, so that the audit counts this refusal.
  server.addHook('preParsing', async (request) => {
    if (hasDuplicate(request.raw.rawHeaders))
      throw new BadRequest(
        'duplicate-header',
        'Duplicate header. Send Host, Authorization, Content-Type, Origin and X-CSRF-Token at most once.',
      );
  });
  limitJsonTime(server);
  server.addHook('onSend', async (request, reply) => {
    setCommonHeaders(request, reply);
    // Fastify closes the connection of a body that is too long. With unread bytes it would be reset, and the response may be lost.
    // Remove the header only if it is set: otherwise Node's own header would be missing, and equal refusals would differ.
    if (!request.raw.complete && reply.hasHeader('connection')) reply.removeHeader('connection');
    // By default no cache stores a response.
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
  });
  server.addHook('onResponse', (request, _reply, done) => {
    drain(request.raw);
    done();
  });
  void server.register(cookie);
  // Pages of other origins use bearer tokens, never cookies.
  if (env.CORS_ORIGINS.length > 0) {
    const rules = {
      origin: [...env.CORS_ORIGINS],
      credentials: false,
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      exposedHeaders: ['x-total-count', 'x-request-id', 'warning', 'location', 'retry-after'],
      maxAge: 600,
    };
    // OPTIONS without this header asks for the capabilities (PS3.18 §8.9).
    void server.register(cors, {
      delegator: (request: FastifyRequest, done) => {
        done(null, { ...rules, preflight: 'access-control-request-method' in request.headers });
      },
    });
  }
  return new FastifyAdapter(server);
}

const MALFORMED: Refusal = { code: 'malformed-request', detail: 'Malformed HTTP request.' };
const BY_NODE_CODE: ReadonlyMap<string, Refusal> = new Map([
  [
    'HPE_HEADER_OVERFLOW',
    {
      code: 'headers-too-large',
      detail: 'The request line and the headers are longer than 16 KiB together. Shorten them.',
    },
  ],
  [
    'ERR_HTTP_REQUEST_TIMEOUT',
    { code: 'request-timeout', detail: 'The request did not arrive in time. Send it again.' },
  ],
]);

/** Answers bytes that are not a valid HTTP request with a problem, and closes the connection. */
function refuseMalformed(error: Error & { code: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) socket.write(rawRefusal(BY_NODE_CODE.get(error.code) ?? MALFORMED));
  socket.destroy(error);
}

/** Closes the connection of a JSON body that takes too long. Streams have timeouts of their own. */
function limitJsonTime(server: FastifyInstance): void {
  const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>();
  server.addHook('preParsing', async ({ raw, mediaType }) => {
    if (mediaType === 'application/json')
      timers.set(
        raw,
        setTimeout(() => raw.destroy(), JSON_MS),
      );
  });
  const end = async ({ raw }: FastifyRequest) => clearTimeout(timers.get(raw));
  server.addHook('preValidation', end);
  server.addHook('onResponse', end);
  server.addHook('onRequestAbort', end);
}

/** Headers that may occur once. Node uses the first of two, a proxy may use the last and decide by another value (RFC 9110 §5.3, §7.2). */
const SINGLE = new Set(['host', 'authorization', 'content-type', 'origin', 'x-csrf-token']);

function hasDuplicate(rawHeaders: readonly string[]): boolean {
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  return names.some((name, at) => SINGLE.has(name) && names.indexOf(name) !== at);
}

/**
 * Reads and discards the rest of a body whose reader stopped early. Node does so only for a body that nobody began to read. Otherwise the next
 * request on this connection, which may be another account's behind nginx, would wait without end.
 */
function drain(body: IncomingMessage): void {
  if (body.readableEnded || body.destroyed) return;
  body.unpipe();
  body.removeAllListeners('readable');
  // In the next tick: before that the stream still counts the removed listener and does not flow.
  setImmediate(() => {
    body.resume();
    if (!body.complete) limitRest(body);
  });
}

/** Closes the connection when the rest of a body comes too slowly, or never. */
function limitRest(body: IncomingMessage): void {
  const pause = setTimeout(() => body.destroy(), REST_PAUSE_MS);
  const whole = setTimeout(() => body.destroy(), REST_MS);
  body.on('data', () => pause.refresh());
  const end = () => {
    clearTimeout(pause);
    clearTimeout(whole);
  };
  body.once('end', end).once('close', end);
}

function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  void reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff');
}

function requestId(request: { headers: IncomingMessage['headers'] }): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}
