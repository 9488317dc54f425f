import { Inject, Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { ENCAPSULATED_DOCUMENT } from '../../dicom/json/encapsulated.documents.js';
import { REPORT_POLICY } from '../../dicom/report/report.html.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NotAcceptable } from '../../problems/errors.js';
import { metered } from '../http/metering.js';
import { type OutgoingMultipart, type OutgoingPart, writeMultipart } from '../http/multipart.writer.js';
import { instanceUrl } from '../http/resource.urls.js';
import { BulkValues } from '../wado/bulk.values.js';
import type { RecordedRead } from '../wado/read.access.js';
import { withoutPadding } from './document.padding.js';
import { asPdf } from './pdf.detection.js';
import { Reports } from './reports.service.js';

/** A binary STL file can end with a zero. Its length is always even, so it is never padded. */
const STL = 'model/stl';

/** Fetches or makes the documents of instances: encapsulated documents, and reports as text. */
@Injectable()
export class Documents {
  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly values: BulkValues,
    private readonly reports: Reports,
  ) {}

  /** The document of one instance in this media type. Throws `NotAcceptable` when the instance has no such document. */
  async one(read: RecordedRead, instance: FoundInstance, type: string): Promise<ArchiveBytes> {
    if (type === 'text/html' || type === 'text/plain')
      return metered(await this.reports.of(instance, type), { instances: 1 }, read.offered);
    const found = await this.values.documentAt(read.studyUid, instance, ENCAPSULATED_DOCUMENT);
    if (found?.type !== type || found.isEmpty) throw noDocument(type);
    const stored = await this.values.one({ ...read, instances: [instance] }, found);
    const whole = found.length === undefined && type !== STL ? withoutPadding(stored) : stored;
    const bytes = type === 'application/pdf' ? await asPdf(whole) : whole;
    if (bytes === undefined) throw noDocument(type);
    read.offered({ instances: 1 });
    return bytes;
  }

  /** The documents of all instances, each as one part. Instances without such a document are left out. */
  inParts(read: RecordedRead, type: string): Promise<OutgoingMultipart> {
    const [first, ...rest] = read.instances;
    const part = (instance: FoundInstance): OutgoingPart => ({
      type: documentContentType(type),
      location: `${instanceUrl(this.env.PUBLIC_URL, read.studyUid, instance)}/rendered`,
      ahead: false,
      optional: rest.length > 0,
      open: () => this.one(read, instance, type),
    });
    return writeMultipart(type, [part(first), ...rest.map(part)]);
  }
}

/** The Content-Type of a document. Reports are in UTF-8. An encapsulated document has the character set that it declares itself. */
export function documentContentType(type: string): string {
  return type === 'text/html' || type === 'text/plain' ? `${type}; charset=utf-8` : type;
}

/**
 * Headers that keep a browser from running scripts of a document with the origin of this server. A PDF has no such headers, because
 * browsers show it with their own viewer.
 */
export function documentHeaders(type: string): Readonly<Record<string, string>> {
  if (type === 'text/html') return { 'content-security-policy': REPORT_POLICY };
  if (type === 'application/pdf' || type === 'text/plain') return {};
  return {
    'content-security-policy': "default-src 'none'; sandbox",
    'content-disposition': 'attachment',
  };
}

function noDocument(type: string): NotAcceptable {
  const kind = type === 'application/pdf' ? 'PDF document' : `document of the media type ${type}`;
  return new NotAcceptable(
    'not-decodable',
    `This instance contains no ${kind}. Ask for the file: application/dicom.`,
  );
}
