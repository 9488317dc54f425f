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

/** JSON bodies are small; DICOM bodies are streams and are bounded where they are read. */
const JSON_BYTES = 1024 * 1024;
const JSON_MS = 20_000;
/** What is left of a refused body may pause for so long, and come for so long in all; then the connection is closed. */
const LEFT_PAUSE_MS = 20_000;
const LEFT_MS = 300_000;
const REQUEST_ID = /^[\w-]{8,64}$/;

/**
 * Fastify as the house needs it: DICOM bodies stay streams (so that the guards run before a byte is read), request ids go
 * through, refusals made by Fastify itself look like all others.
 */
export function httpServer(env: Env): FastifyAdapter {
  const server = fastify({
    bodyLimit: JSON_BYTES,
    trustProxy: env.TRUSTED_PROXIES.length === 0 ? false : [...env.TRUSTED_PROXIES],
    genReqId: requestId,
    // A list of frames may be long; Node bounds the whole request line with its headers.
    routerOptions: { maxParamLength: 16 * 1024 },
    return503OnClosing: true,
    // The root of the service ends in a slash in some clients' words and not in others'; the router knows one.
    rewriteUrl: ({ url = '/' }) => url.replace(/^\/dicom-web\/(?=$|\?)/, '/dicom-web'),
    forceCloseConnections: 'idle',
    // Answers are written by us; HEAD of a retrieve would otherwise open the archive for nothing.
    exposeHeadRoutes: false,
    clientErrorHandler: refuseBytes,
    // No hook runs for a path that cannot be read.
    frameworkErrors: (error, request, reply: FastifyReply) => {
      identify(request, reply);
      reply.raw.once('finish', () => readAway(request.raw));
      sendRefusal(reply, refusalOf(error));
    },
  });
  server.removeContentTypeParser('text/plain');
  server.addContentTypeParser('*', (_request: FastifyRequest, payload: IncomingMessage, done) => {
    done(null, payload);
  });
  // After the hooks that note where a request comes from: this refusal is counted too.
  server.addHook('preParsing', async (request) => {
    if (isTwofold(request.raw.rawHeaders))
      throw new BadRequest(
        'duplicate-header',
        'Duplicate header. Send Host, Authorization, Content-Type, Origin and X-CSRF-Token at most once.',
      );
  });
  limitJsonTime(server);
  server.addHook('onSend', async (request, reply) => {
    identify(request, reply);
    // Fastify ends the connection of a body that is too long. Closed with bytes unread, it is reset, and the answer may be lost.
    // Only then: a removed header that was never set would leave out Node's own, and equal refusals are equal bytes.
    if (!request.raw.complete && reply.hasHeader('connection')) reply.removeHeader('connection');
    // What says nothing of caches is for this caller and this moment alone.
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
  });
  server.addHook('onResponse', (request, _reply, done) => {
    readAway(request.raw);
    done();
  });
  void server.register(cookie);
  // Pages of other origins bring a bearer token; cookies are never theirs to send.
  if (env.CORS_ORIGINS.length > 0) {
    const rules = {
      origin: [...env.CORS_ORIGINS],
      credentials: false,
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      exposedHeaders: ['x-total-count', 'x-request-id', 'warning', 'location', 'retry-after'],
      maxAge: 600,
    };
    // OPTIONS without that header asks for the capabilities (PS3.18 §8.9).
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

/** What never became a request: refused as all else is, and the connection ends. */
function refuseBytes(error: Error & { code: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) socket.write(rawRefusal(BY_NODE_CODE.get(error.code) ?? MALFORMED));
  socket.destroy(error);
}

/** A body that Fastify gathers is small: who has not sent it by then never will. Streams have their own patience. */
function limitJsonTime(server: FastifyInstance): void {
  const patience = new WeakMap<IncomingMessage, NodeJS.Timeout>();
  server.addHook('preParsing', async ({ raw, headers }) => {
    if (headers['content-type']?.startsWith('application/json') === true)
      patience.set(
        raw,
        setTimeout(() => raw.destroy(), JSON_MS),
      );
  });
  const end = async ({ raw }: FastifyRequest) => clearTimeout(patience.get(raw));
  server.addHook('preValidation', end);
  server.addHook('onResponse', end);
  server.addHook('onRequestAbort', end);
}

/** Of these Node keeps the first and others the last: a proxy in front could have judged by another than we do (RFC 9110 §5.3, §7.2). */
const SINGLE = new Set(['host', 'authorization', 'content-type', 'origin', 'x-csrf-token']);

function isTwofold(rawHeaders: readonly string[]): boolean {
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  return names.some((name, at) => SINGLE.has(name) && names.indexOf(name) !== at);
}

/**
 * Lets go of what is left of a body whose reader stopped early. Node does so only where nobody has read at all; else the next request
 * on this connection, another account's behind nginx, would wait for ever.
 */
function readAway(body: IncomingMessage): void {
  if (body.readableEnded || body.destroyed) return;
  body.unpipe();
  body.removeAllListeners('readable');
  // Only then: the stream forgets such a listener a tick later, and does not flow before.
  setImmediate(() => {
    body.resume();
    if (!body.complete) limitLeft(body);
  });
}

/** Who sends the rest of a refused body slowly, or never, does not hold the connection for ever. */
function limitLeft(body: IncomingMessage): void {
  const pause = setTimeout(() => body.destroy(), LEFT_PAUSE_MS);
  const whole = setTimeout(() => body.destroy(), LEFT_MS);
  body.on('data', () => pause.refresh());
  const end = () => {
    clearTimeout(pause);
    clearTimeout(whole);
  };
  body.once('end', end).once('close', end);
}

function identify(request: FastifyRequest, reply: FastifyReply): void {
  void reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff');
}

function requestId(request: { headers: IncomingMessage['headers'] }): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}
