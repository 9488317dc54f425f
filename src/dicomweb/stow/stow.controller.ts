import type { IncomingMessage } from 'node:http';
import { Controller, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '../../authn/account.js';
import { Who } from '../../authn/access.decorators.js';
import { May, Requires } from '../../authz/authz.guard.js';
import type { Policy } from '../../authz/policy.js';
import type { StudyUid } from '../../dicom/uids.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { BadRequest, UnsupportedMedia } from '../../problems/errors.js';
import { acceptedBy, covers } from '../http/accept.js';
import { JSON_TYPE, XML_TYPE } from '../http/data.set.replies.js';
import { disconnectSignal } from '../http/disconnect.signal.js';
import { MultipartBroken } from '../http/multipart.broken.js';
import { readParts } from '../http/multipart.reader.js';
import { parseMultipartType } from '../http/multipart.type.js';
import { nativeModelOf } from '../../dicom/json/native.model.js';
import { type Outcome, statusOf, storeResponse } from './stow.outcome.js';
import { type StowSender, Stow } from './stow.service.js';
import { StudyParam } from '../http/uid.params.js';

/** Parts under way, their last byte read and the archive's answer still to come, while the next one is read: so many, */
const AT_ONCE = 4;
/** and no second one when they are together larger than this, since the archive takes four times as much. */
const AT_ONCE_BYTES = 8 * 1024 * 1024;
/** A sender who is silent for this long is gone: their keys are given back, and the archive's thread. */
const SILENCE_MS = 60_000;

/** Store Transaction (STOW-RS, PS3.18 §10.5). */
@Controller('dicom-web/studies')
@Requires('studies:store', 'studies:annotate')
export class StowController {
  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly stow: Stow,
  ) {}

  /** Stores instances of any study: `multipart/related; type="application/dicom"`, or a single `application/dicom`. */
  @Post()
  @HttpCode(200)
  any(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Who() account: Account,
    @May() policy: Policy,
  ) {
    return this.store(request, reply, this.stow.sender(account, policy), undefined);
  }

  /** Stores instances of this study only. */
  @Post(':study')
  @HttpCode(200)
  into(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Who() account: Account,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
  ) {
    return this.store(request, reply, this.stow.sender(account, policy), study);
  }

  private async store(
    request: FastifyRequest,
    reply: FastifyReply,
    sender: StowSender,
    study: string | undefined,
  ): Promise<FastifyReply> {
    const form = responseForm(request);
    const received = { bytes: 0 };
    const source = counting(chunksOf(request.raw), received);
    const gone = disconnectSignal(reply);
    const outcomes = await this.outcomes(request, source, sender, study, gone).finally(() => {
      request.auditNote = { ...request.auditNote, ...received };
    });
    note(request, outcomes);
    const response = storeResponse(outcomes, this.env.PUBLIC_URL);
    void reply.status(statusOf(outcomes)).header('cache-control', 'no-store');
    if (form === 'xml') return reply.type(XML_TYPE).send(await nativeModelOf(response));
    // As bytes: to text Fastify adds a charset, and Python's client then reads no answer.
    return reply.type(JSON_TYPE).send(Buffer.from(JSON.stringify(response)));
  }

  private async outcomes(
    request: FastifyRequest,
    source: AsyncIterable<Buffer>,
    sender: StowSender,
    study: string | undefined,
    signal: AbortSignal,
  ): Promise<Outcome[]> {
    if (request.headers['content-encoding'] !== undefined)
      throw new UnsupportedMedia('unsupported-content-encoding', 'Send the body without a Content-Encoding.');
    const type = request.headers['content-type'] ?? '';
    if (mediaType(type) === 'application/dicom') {
      const alone = { read: () => undefined, earlier: () => Promise.resolve(), signal };
      return [await this.stow.store(source, sender, study, alone)];
    }
    const multipart = parseMultipartType(type);
    if (multipart === undefined && mediaType(type) === 'multipart/related')
      throw new BadRequest(
        'malformed-multipart',
        'The Content-Type of multipart/related is broken: it needs one boundary.',
      );
    if (multipart === undefined || (multipart.type ?? 'application/dicom') !== 'application/dicom') {
      throw new UnsupportedMedia(
        'unsupported-media-type',
        'Send multipart/related; type="application/dicom", or one application/dicom.',
      );
    }
    try {
      return await this.parts(request, readParts(source, multipart.boundary), sender, study, signal);
    } catch (error) {
      if (error instanceof MultipartBroken)
        throw new BadRequest('malformed-multipart', `The multipart body is broken: ${error.message}.`);
      throw error;
    }
  }

  private async parts(
    request: FastifyRequest,
    parts: ReturnType<typeof readParts>,
    sender: StowSender,
    study: string | undefined,
    signal: AbortSignal,
  ): Promise<Outcome[]> {
    const all: Promise<Outcome>[] = [];
    try {
      await this.take(all, parts, sender, study, signal);
      return await Promise.all(all);
    } catch (error) {
      // What was under way is not left behind, and what was stored is on record though it is not acknowledged.
      const settled = await Promise.allSettled(all);
      note(
        request,
        settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
      );
      throw error;
    }
  }

  private async take(
    all: Promise<Outcome>[],
    parts: ReturnType<typeof readParts>,
    sender: StowSender,
    study: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const underWay: { bytes: number; outcome: Promise<Outcome> }[] = [];
    for await (const part of parts) {
      const type = part.headers.get('content-type');
      if (type !== undefined && mediaType(type) !== 'application/dicom') {
        throw new UnsupportedMedia('unsupported-media-type', 'Each part must be application/dicom.');
      }
      const { promise: read, resolve } = Promise.withResolvers<void>();
      const counted = { bytes: 0 };
      const place = all.length;
      const turn = { read: resolve, earlier: () => Promise.allSettled(all.slice(0, place)), signal };
      const outcome = this.stow.store(counting(part.body, counted), sender, study, turn).finally(resolve);
      // Its failure is met when all are gathered.
      outcome.catch(() => undefined);
      all.push(outcome);
      await read;
      underWay.push({ bytes: counted.bytes, outcome });
      while (underWay.length > 1 && (underWay.length >= AT_ONCE || bytesOf(underWay) > AT_ONCE_BYTES))
        await underWay.shift()?.outcome;
    }
  }
}

/** Senders name all sorts of types: the response is XML when that is asked for, and JSON otherwise, never a refusal of what is stored. */
function responseForm(request: FastifyRequest): 'json' | 'xml' {
  const best = acceptedBy(request).find(
    (range) => range.type === XML_TYPE || covers(range, JSON_TYPE) || range.type === 'application/json',
  );
  return best?.type === XML_TYPE ? 'xml' : 'json';
}

function bytesOf(parts: readonly { bytes: number }[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The same bytes, their number kept. */
async function* counting(body: AsyncIterable<Buffer>, counted: { bytes: number }): AsyncGenerator<Buffer> {
  for await (const chunk of body) {
    counted.bytes += chunk.length;
    yield chunk;
  }
}

function mediaType(contentType: string): string {
  return (contentType.split(';')[0] ?? '').trim().toLowerCase();
}

/** The request's bytes; an aborted request is an error, never an end, and who sends nothing for long is taken for gone. */
async function* chunksOf(request: IncomingMessage): AsyncGenerator<Buffer> {
  const chunks = request.iterator({ destroyOnReturn: false });
  for (let next = await nextOf(chunks, request); next.done !== true; next = await nextOf(chunks, request)) {
    if (!Buffer.isBuffer(next.value))
      throw new BadRequest('incomplete-body', 'The body is no stream of bytes.');
    yield next.value;
  }
}

async function nextOf(
  chunks: NodeJS.AsyncIterator<unknown>,
  request: IncomingMessage,
): Promise<IteratorResult<unknown>> {
  const patience = setTimeout(() => request.destroy(), SILENCE_MS);
  try {
    return await chunks.next();
  } catch (cause) {
    throw new BadRequest('incomplete-body', 'The body was cut off.', { cause });
  } finally {
    clearTimeout(patience);
  }
}

function note(request: FastifyRequest, outcomes: readonly Outcome[]): void {
  const studies: Record<string, number> = {};
  const stored = outcomes.flatMap((outcome) => (outcome.stored ? [outcome.instance] : []));
  for (const { studyUid } of stored) studies[studyUid] = (studies[studyUid] ?? 0) + 1;
  const [one] = stored;
  const isOne = one !== undefined && Object.keys(studies).length === 1;
  request.auditNote = {
    ...request.auditNote,
    // A study has one patient.
    ...(isOne && { studyUid: one.studyUid, patientId: one.patientId }),
    instances: stored.length,
    detail: { parts: outcomes.length, studies },
  };
}
