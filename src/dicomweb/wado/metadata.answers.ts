import { Injectable } from '@nestjs/common';
import type { ResourceUids } from '../../catalog/lookup.service.js';
import { nativeModelOf } from '../../dicom/json/native.model.js';
import { acceptedBy } from '../http/accept.js';
import { negotiateDataSets, writeXmlParts, XML_TYPE } from '../http/data.set.forms.js';
import { bodyAnswer, type DicomwebAnswer, multipartAnswer, notModified } from '../http/dicomweb.answer.js';
import type { DicomwebRequest } from '../http/dicomweb.request.js';
import { matchesEtag } from '../http/entity.tags.js';
import { etagOfMetadata, MetadataBodies } from './metadata.bodies.js';
import { Metadata } from './metadata.service.js';
import { CachedAnswers } from './cached.answers.js';
import { ReadAccess } from './read.access.js';

/** Retrieves metadata (PS3.18 §10.4.1.1.2) as DICOM JSON or XML. */
@Injectable()
export class MetadataAnswers {
  constructor(
    private readonly access: ReadAccess,
    private readonly metadata: Metadata,
    private readonly bodies: MetadataBodies,
    private readonly cache: CachedAnswers,
  ) {}

  /** Answers with the metadata of all instances of the target. Throws `NotVisible`, `NotAcceptable`. */
  async of(request: DicomwebRequest, target: ResourceUids): Promise<DicomwebAnswer> {
    const found = await this.access.find(request, target);
    const form = negotiateDataSets(acceptedBy(request), target.instance !== undefined);
    const read = await this.access.record(request, found, 'metadata');
    const etag = etagOfMetadata(found, form);
    if (matchesEtag(request.ifNoneMatch, etag)) return notModified(etag);
    if (form !== 'xml' && form !== 'xml-parts') {
      const body = this.bodies.of(found, form, etag);
      const cached = body === undefined ? undefined : await this.cache.answer(request, read, body);
      return cached ?? bodyAnswer(form, await this.metadata.json(read, request.signal), etag);
    }
    const dataSets = await this.metadata.dataSets(read, request.signal);
    if (form === 'xml-parts') return multipartAnswer(writeXmlParts(dataSets, read.offered), etag);
    const document = await firstDocument(dataSets);
    read.offered({ instances: 1, bytes: document.length });
    return bodyAnswer(XML_TYPE, document, etag);
  }
}

/** Converts the only data set to an XML document. */
async function firstDocument(dataSets: AsyncIterable<unknown>): Promise<Buffer> {
  for await (const dataSet of dataSets) return nativeModelOf(dataSet);
  return Buffer.alloc(0);
}
