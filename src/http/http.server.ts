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

/** The limits of a JSON body. DICOM bodies are streams and have their own limits. */
const JSON_BYTES = 1024 * 1024;
const JSON_MS = 20_000;
/**
 * The limits for reading the rest of a body after the response. `REST_PAUSE_MS` is the longest pause, and `REST_MS` is the longest
 * duration. If a limit is exceeded, the gateway closes the connection.
 */
const REST_PAUSE_MS = 20_000;
const REST_MS = 300_000;
const REQUEST_ID = /^[\w-]{8,64}$/;

/**
 * Returns the Fastify server. The server does not parse DICOM bodies, so that the guards run before any byte of a body is read. If the
 * client sends a valid request id, the server uses this id. Errors that Fastify detects itself get the same format as all other errors.
 */
export function httpServer(env: Env): FastifyAdapter {
  const server = fastify({
    bodyLimit: JSON_BYTES,
    trustProxy: env.TRUSTED_PROXIES.length === 0 ? false : [...env.TRUSTED_PROXIES],
    genReqId: requestId,
    // A path with a list of frames can be long. Node limits the total length of the request line and the headers.
    routerOptions: { maxParamLength: 16 * 1024 },
    return503OnClosing: true,
    // Some clients send the root of the service with a final slash. The router has only the path without the slash.
    rewriteUrl: ({ url = '/' }) => url.replace(/^\/dicom-web\/(?=$|\?)/, '/dicom-web'),
    forceCloseConnections: 'idle',
    // Fastify would answer HEAD with the handler of GET, and this handler would read the instance from the archive.
    exposeHeadRoutes: false,
    clientErrorHandler: refuseMalformed,
    // Fastify runs no hooks if it cannot decode the path.
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
  // This check runs in `preParsing`, after the hook that reads the client's address. The audit can therefore count this refusal.
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
    // If a body is too long, Fastify sets `Connection: close`. If the server closes the connection while the client still sends, the
    // connection is reset. The client may then not receive the response. The header is removed only if Fastify has set it. Removing a
    // missing header would suppress Node's own `Connection` header, and refusals that must have equal bytes would differ.
    if (!request.raw.complete && reply.hasHeader('connection')) reply.removeHeader('connection');
    // By default, caches must not store a response.
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
  });
  server.addHook('onResponse', (request, _reply, done) => {
    drain(request.raw);
    done();
  });
  void server.register(cookie);
  // Pages of other origins authenticate with bearer tokens and not with cookies.
  if (env.CORS_ORIGINS.length > 0) {
    const rules = {
      origin: [...env.CORS_ORIGINS],
      credentials: false,
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      exposedHeaders: ['x-total-count', 'x-request-id', 'warning', 'location', 'retry-after'],
      maxAge: 600,
    };
    // An OPTIONS request without Access-Control-Request-Method asks for the capabilities (PS3.18 §8.9).
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

/** Answers a malformed HTTP request with a problem and closes the connection. */
function refuseMalformed(error: Error & { code: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) socket.write(rawRefusal(BY_NODE_CODE.get(error.code) ?? MALFORMED));
  socket.destroy(error);
}

/** Closes the connection if a JSON body takes too long. Streams have their own timeouts. */
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

/**
 * Headers that a request may contain only once. If such a header occurs twice, Node uses the first value and a proxy may use the last. Node
 * and the proxy could then decide differently (RFC 9110 §5.3, §7.2).
 */
const SINGLE = new Set(['host', 'authorization', 'content-type', 'origin', 'x-csrf-token']);

function hasDuplicate(rawHeaders: readonly string[]): boolean {
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  return names.some((name, at) => SINGLE.has(name) && names.indexOf(name) !== at);
}

/**
 * Reads and discards the rest of a body that a handler has only partly read. Node itself discards only a body from which nothing was read.
 * If the rest stays unread, the next request on the connection would wait forever. Behind nginx, that request may belong to another
 * account.
 */
function drain(body: IncomingMessage): void {
  if (body.readableEnded || body.destroyed) return;
  body.unpipe();
  body.removeAllListeners('readable');
  // In the current tick, the stream still counts the removed listener and would not resume.
  setImmediate(() => {
    body.resume();
    if (!body.complete) limitRest(body);
  });
}

/** Closes the connection if the rest of a body arrives too slowly or not at all. */
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
