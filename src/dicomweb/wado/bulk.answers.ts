import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { FoundInstances, ResourceUids } from '../../catalog/lookup.service.js';
import { canBeDecoded, comesAsLittleEndian, videoType } from '../../dicom/transfer.syntaxes.js';
import { NotAcceptable } from '../../problems/errors.js';
import { acceptedBy } from '../http/accept.js';
import {
  bytesAnswer,
  type DicomwebAnswer,
  multipartAnswer,
  notModified,
  withHeaders,
} from '../http/dicomweb.answer.js';
import type { DicomwebRequest } from '../http/dicomweb.request.js';
import { etagOf, matchesEtag } from '../http/entity.tags.js';
import { type BulkValue, BulkValues } from './bulk.values.js';
import { type CacheableBody, CachedAnswers } from './cached.answers.js';
import { Frames } from './frames.service.js';
import { ReadAccess, type RecordedRead } from './read.access.js';
import { acceptedAsStored, contentType, negotiateBulk, negotiateFrames } from './wado.negotiation.js';

const PIXEL_DATA = '7FE00010';

/** Part of the keys of the cache. Increase this number when a new version of the gateway writes other bytes for the same value. */
const BULK_VERSION = 1;
/** The size of the largest file whose values are cached, in bytes. */
const MAX_CACHED_BYTES = 64 * 1024 * 1024;

/** The path of an element. It alternates between tags and item numbers (from 1). */
export const BulkPath = z.string().regex(/^[0-9a-fA-F]{8}(\/[1-9]\d{0,4}\/[0-9a-fA-F]{8})*$/);

/** Retrieves bulk data (PS3.18 §10.4.1.1.5): the value of one element of an instance. */
@Injectable()
export class BulkAnswers {
  constructor(
    private readonly access: ReadAccess,
    private readonly values: BulkValues,
    private readonly frames: Frames,
    private readonly cache: CachedAnswers,
  ) {}

  /** Answers with the value at the path. Throws `NotVisible`, `NotAcceptable`. */
  async of(request: DicomwebRequest, target: ResourceUids, path: string): Promise<DicomwebAnswer> {
    const found = await this.access.find(request, target);
    const [instance] = found.instances;
    if (path.toUpperCase() === PIXEL_DATA && !comesAsLittleEndian(instance.transferSyntax))
      return this.compressedPixels(request, found);
    const document = await this.values.documentAt(target.study, instance, path);
    const { multipart, type } = negotiateBulk(acceptedBy(request), document?.type);
    const read = await this.access.record(request, found, 'bulk');
    const value = document?.type === type ? document : { path, type };
    if (multipart) return multipartAnswer(await this.values.inParts(read, value));
    const answer = await this.single(request, read, value);
    // A document can contain scripts. As an attachment, the document is not opened by the browser, so that scripts do not run with the
    // origin of this server.
    return value === document ? withHeaders(answer, { 'content-disposition': 'attachment' }) : answer;
  }

  /** Answers with the value as one body, from the cache if possible. A cached value can be read in ranges. */
  private async single(
    request: DicomwebRequest,
    read: RecordedRead,
    value: BulkValue,
  ): Promise<DicomwebAnswer> {
    const etag = etagOf(read, [BULK_VERSION, value.path.toUpperCase(), value.type], 'strong');
    if (matchesEtag(request.ifNoneMatch, etag)) return notModified(etag);
    const { size = Infinity } = read.instances[0];
    const body: CacheableBody = {
      choices: ['bulk', etag],
      etag,
      sent: {},
      type: () => value.type,
      isWhole: false,
      make: async (making) => (await this.values.one(making, value)).stream,
    };
    const cached = size > MAX_CACHED_BYTES ? undefined : await this.cache.answer(request, read, body);
    return cached ?? bytesAnswer(value.type, await this.values.one(read, value), etag);
  }

  /**
   * Answers with compressed pixel data. Stored pixel data is sent as one value per frame (PS3.18 §8.7.3.3.2), and decoded pixel data as a
   * single value.
   */
  private async compressedPixels(request: DicomwebRequest, found: FoundInstances): Promise<DicomwebAnswer> {
    const [instance] = found.instances;
    const isVideo = videoType(instance.transferSyntax) !== undefined;
    const count = isVideo ? 1 : Math.max(instance.frames, 1);
    const isDecodable = canBeDecoded(instance);
    const accepted = isDecodable ? acceptedBy(request) : acceptedAsStored(acceptedBy(request));
    const representation = negotiateFrames(accepted, instance, count === 1 || isDecodable);
    const { multipart, decoded } = representation;
    if (!multipart && !decoded && count > 1)
      throw new NotAcceptable(
        'not-acceptable',
        'Compressed frames are available only as multipart/related, one frame in each part.',
      );
    const read = await this.access.record(request, found, 'bulk');
    if (decoded && multipart) return multipartAnswer(await this.frames.allDecodedInParts(read));
    if (!multipart) {
      const bytes = decoded
        ? await this.frames.allDecoded(read)
        : await this.frames.one(read, 1, representation);
      return bytesAnswer(contentType(representation), bytes);
    }
    const rest = Array.from({ length: count - 1 }, (_, index) => index + 2);
    return multipartAnswer(await this.frames.inParts(read, [1, ...rest], representation));
  }
}
