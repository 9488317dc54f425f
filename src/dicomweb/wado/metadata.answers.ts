import { Injectable } from '@nestjs/common';
import type { ResourceUids } from '../../catalog/lookup.service.js';
import { nativeModelOf } from '../../dicom/json/native.model.js';
import { acceptedBy } from '../http/accept.js';
import { negotiateDataSets, writeXmlParts, XML_TYPE } from '../http/data.set.forms.js';
import { bodyAnswer, type DicomwebAnswer, multipartAnswer, notModified } from '../http/dicomweb.answer.js';
import type { DicomwebRequest } from '../http/dicomweb.request.js';
import { etagOf, matchesEtag } from '../http/entity.tags.js';
import { Metadata } from './metadata.service.js';
import { CachedAnswers } from './cached.answers.js';
import { ReadAccess, type RecordedRead } from './read.access.js';

/** Part of the entity tag. Increase this number when a new version of the gateway writes other metadata for the same file. */
const METADATA_VERSION = 2;

/** The metadata of more instances is sent while it is read, because the client would wait too long for the first byte. */
const MAX_CACHED = 2_000;

/** Retrieves metadata (PS3.18 §10.4.1.1.2) as DICOM JSON or XML. */
@Injectable()
export class MetadataAnswers {
  constructor(
    private readonly access: ReadAccess,
    private readonly metadata: Metadata,
    private readonly cache: CachedAnswers,
  ) {}

  /** Answers with the metadata of all instances of the target. Throws `NotVisible`, `NotAcceptable`. */
  async of(request: DicomwebRequest, target: ResourceUids): Promise<DicomwebAnswer> {
    const found = await this.access.find(request, target);
    const form = negotiateDataSets(acceptedBy(request), target.instance !== undefined);
    const read = await this.access.record(request, found, 'metadata');
    const etag = etagOf(found, ['metadata', METADATA_VERSION, form], 'weak');
    if (matchesEtag(request.ifNoneMatch, etag)) return notModified(etag);
    const cached =
      form === 'xml' || form === 'xml-parts' ? undefined : await this.cached(request, read, form, etag);
    if (cached !== undefined) return cached;
    if (form !== 'xml' && form !== 'xml-parts')
      return bodyAnswer(form, await this.metadata.json(read, request.signal), etag);
    const dataSets = await this.metadata.dataSets(read, request.signal);
    if (form === 'xml-parts') return multipartAnswer(writeXmlParts(dataSets, read.offered), etag);
    const document = await firstDocument(dataSets);
    read.offered({ instances: 1, bytes: document.length });
    return bodyAnswer(XML_TYPE, document, etag);
  }

  /** Answers with DICOM JSON from the cache. `undefined` if the cache cannot be used. */
  private async cached(
    request: DicomwebRequest,
    read: RecordedRead,
    form: string,
    etag: string,
  ): Promise<DicomwebAnswer | undefined> {
    if (read.instances.length > MAX_CACHED) return undefined;
    return this.cache.answer(request, read, {
      choices: ['metadata', etag],
      etag,
      sent: { instances: read.instances.length },
      type: () => form,
      isWhole: true,
      isText: true,
      make: (making, _boundary, stop) => this.metadata.json(making, stop),
    });
  }
}

/** Converts the only data set to an XML document. */
async function firstDocument(dataSets: AsyncIterable<unknown>): Promise<Buffer> {
  for await (const dataSet of dataSets) return nativeModelOf(dataSet);
  return Buffer.alloc(0);
}
