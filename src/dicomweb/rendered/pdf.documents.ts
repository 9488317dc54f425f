import { Inject, Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NotAcceptable } from '../../problems/errors.js';
import { metered } from '../http/metering.js';
import { type OutgoingMultipart, type OutgoingPart, writeMultipart } from '../http/multipart.writer.js';
import { instanceUrl } from '../http/resource.urls.js';
import { ArchiveFetch } from '../wado/archive.fetch.js';
import { asPdf } from './pdf.detection.js';
import type { RecordedRead } from '../wado/read.access.js';

const NO_DOCUMENT = 'This instance contains no PDF document. Ask for it as application/dicom.';
const PDF = 'application/pdf';

/** Fetches the documents of encapsulated PDF instances. */
@Injectable()
export class PdfDocuments {
  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly bytes: OrthancBytes,
    private readonly fetch: ArchiveFetch,
  ) {}

  /** Fetches the document of one instance. Throws `NotAcceptable` when the instance contains no PDF. */
  async one(read: RecordedRead, instance: FoundInstance): Promise<ArchiveBytes> {
    const call = () => this.bytes.pdf(instance.orthancId, instance);
    const bytes = await asPdf(await this.fetch.extracted(instance, NO_DOCUMENT, call));
    if (bytes === undefined) throw new NotAcceptable('not-decodable', NO_DOCUMENT);
    return metered(bytes, { instances: 1 }, read.offered);
  }

  /** Fetches the documents of all instances, each as one part. Instances without a document are left out. */
  inParts(read: RecordedRead): Promise<OutgoingMultipart> {
    const [first, ...rest] = read.instances;
    const part = (instance: FoundInstance): OutgoingPart => ({
      type: PDF,
      location: `${instanceUrl(this.env.PUBLIC_URL, read.studyUid, instance)}/rendered`,
      ahead: false,
      optional: true,
      open: () => this.one(read, instance),
    });
    return writeMultipart(PDF, [part(first), ...rest.map(part)]);
  }
}
