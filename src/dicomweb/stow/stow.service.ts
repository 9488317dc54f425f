import { Inject, Injectable } from '@nestjs/common';
import type { AuditNote } from '../../audit/audit.note.js';
import type { Account } from '../../authn/account.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { nativeModelOf } from '../../dicom/json/native.model.js';
import { BadRequest } from '../../problems/errors.js';
import { acceptedBy, covers } from '../http/accept.js';
import { JSON_TYPE, XML_TYPE } from '../http/data.set.forms.js';
import type { DicomwebAnswer } from '../http/dicomweb.answer.js';
import type { DicomwebRequest } from '../http/dicomweb.request.js';
import { MultipartBroken } from '../http/multipart.broken.js';
import { PartPipeline } from './part.pipeline.js';
import { storeParts } from './part.queue.js';
import { counting, formatOf, partBodies, type UploadedBody } from './stow.body.js';
import { type Outcome, statusOf, storeResponse } from './stow.outcome.js';
import { type StowSender, StowSenders } from './stow.sender.js';

/** Stores the instances of one request. The answer contains the result of each instance. */
@Injectable()
export class Stow {
  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly senders: StowSenders,
    private readonly pipeline: PartPipeline,
  ) {}

  /**
   * Stores the instances in `body`. `study`: the only study in which the request may store. Throws `UnsupportedMedia` and `BadRequest`.
   * Also throws when the sender disconnects or when Orthanc or PostgreSQL is unreachable.
   */
  async store(
    request: DicomwebRequest,
    account: Account,
    body: UploadedBody,
    study: string | undefined,
  ): Promise<DicomwebAnswer> {
    const form = responseForm(request);
    const received = { bytes: 0 };
    const counted = { ...body, bytes: counting(body.bytes, received) };
    const sender = this.senders.of(account, request.policy);
    const outcomes = await this.outcomes(request, counted, sender, study).finally(() =>
      request.note(received),
    );
    request.note(auditFacts(outcomes));
    const response = storeResponse(outcomes, this.env.PUBLIC_URL);
    const [type, bytes] =
      form === 'xml'
        ? [XML_TYPE, await nativeModelOf(response)]
        : // A buffer, because Fastify adds a charset to the media type of a string, and the Python client cannot read such an answer.
          [JSON_TYPE, Buffer.from(JSON.stringify(response))];
    const headers = { 'cache-control': 'no-store', 'content-type': type };
    return { status: statusOf(outcomes), headers, body: bytes };
  }

  private async outcomes(
    { signal, note }: DicomwebRequest,
    body: UploadedBody,
    sender: StowSender,
    study: string | undefined,
  ): Promise<Outcome[]> {
    const format = formatOf(body);
    const turn = { study, signal };
    if (format.kind === 'single') {
      const only = { ...turn, bytesRead: () => undefined, earlierSettled: () => Promise.resolve() };
      return [await this.pipeline.store(body.bytes, sender, only)];
    }
    try {
      return await storeParts(
        partBodies(body.bytes, format.boundary),
        turn,
        (part, order) => this.pipeline.store(part, sender, order),
        (outcomes) => note(auditFacts(outcomes)),
      );
    } catch (error) {
      if (error instanceof MultipartBroken)
        throw new BadRequest('malformed-multipart', `Malformed multipart body: ${error.message}.`);
      throw error;
    }
  }
}

/**
 * The form of the response: XML if the client prefers it, otherwise JSON. The `Accept` header never leads to 406, because senders put many
 * media types into it.
 */
function responseForm(request: DicomwebRequest): 'json' | 'xml' {
  const best = acceptedBy(request).find(
    (range) => range.type === XML_TYPE || covers(range, JSON_TYPE) || range.type === 'application/json',
  );
  return best?.type === XML_TYPE ? 'xml' : 'json';
}

/**
 * The number of stored instances for each study. The patient is noted only for a single study, because several studies can have different
 * patients.
 */
function auditFacts(outcomes: readonly Outcome[]): AuditNote {
  const studies: Record<string, number> = {};
  const stored = outcomes.flatMap((outcome) => (outcome.stored ? [outcome.instance] : []));
  for (const { studyUid } of stored) studies[studyUid] = (studies[studyUid] ?? 0) + 1;
  const [first] = stored;
  const isOneStudy = first !== undefined && Object.keys(studies).length === 1;
  return {
    ...(isOneStudy && { studyUid: first.studyUid, patientId: first.patientId }),
    instances: stored.length,
    detail: { parts: outcomes.length, studies },
  };
}
