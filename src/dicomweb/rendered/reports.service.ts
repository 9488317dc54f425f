import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { DicomUnreadable } from '../../dicom/dicom.unreadable.js';
import { metadataOfFile } from '../../dicom/json/file.metadata.js';
import { reportContent } from '../../dicom/report/report.content.js';
import { reportHtml } from '../../dicom/report/report.html.js';
import { reportText } from '../../dicom/report/report.text.js';
import { Slots } from '../../limits/slots.js';
import { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NotAcceptable } from '../../problems/errors.js';
import type { ByteRange } from '../http/byte.range.js';
import { ArchiveFetch } from '../wado/archive.fetch.js';
import { filePart } from '../wado/file.part.js';
import { StoredBytes } from '../wado/stored.bytes.js';

/** Largest number of reports that are made at the same time, in total and for one account, and that wait. */
const PLACES = 2;
const PLACES_PER_ACCOUNT = 1;
const QUEUE = 64;
/** Largest number of elements and items of a report. They are in memory together. This is enough for about 20,000 measurements. */
const MAX_ELEMENTS = 250_000;
/** Largest size of a rendered report in bytes. */
const MAX_BYTES = 8 * 1024 * 1024;
/** Number of pieces that are made before other work can run. */
const PIECES_WITHOUT_PAUSE = 500;
const FILE = 'Ask for the file: application/dicom.';

/** Renders structured reports and key object selections (PS3.18 §8.7.4, resource category Text) as pages or as plain text. */
@Injectable()
export class Reports {
  private readonly slots = new Slots({ places: PLACES, perAccount: PLACES_PER_ACCOUNT, queue: QUEUE });

  constructor(
    private readonly bytes: OrthancBytes,
    private readonly fetch: ArchiveFetch,
  ) {}

  /** The report as text in UTF-8. Throws `NotAcceptable` when its file is malformed or too large, and `TooMany` when too many wait. */
  async of(instance: FoundInstance, type: 'text/html' | 'text/plain'): Promise<ArchiveBytes> {
    const make = async () => {
      const report = reportContent(await this.read(instance));
      return collected(type === 'text/html' ? reportHtml(report) : reportText(report));
    };
    const text = await this.slots.run(make, instance.signal, instance.reader);
    return { length: text.length, stream: Readable.from([text], { objectMode: false }) };
  }

  private async read(instance: FoundInstance) {
    const ask = (range: ByteRange) =>
      this.fetch.stored(instance, () => filePart(this.bytes, instance, range));
    try {
      return await metadataOfFile(new StoredBytes(ask, instance.size), '', MAX_ELEMENTS);
    } catch (error) {
      if (!(error instanceof DicomUnreadable)) throw error;
      throw new NotAcceptable('not-decodable', `The report cannot be rendered: ${error.message}. ${FILE}`);
    }
  }
}

async function collected(pieces: Iterable<string>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for (const piece of pieces) {
    const chunk = Buffer.from(piece);
    size += chunk.length;
    if (size > MAX_BYTES)
      throw new NotAcceptable('not-decodable', `The report is too large to be rendered. ${FILE}`);
    chunks.push(chunk);
    if (chunks.length % PIECES_WITHOUT_PAUSE === 0) await setImmediate();
  }
  return Buffer.concat(chunks);
}
