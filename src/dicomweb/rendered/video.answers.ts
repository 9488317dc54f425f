import { Injectable } from '@nestjs/common';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { outsideBody, partOf, sliceOf } from '../http/byte.range.js';
import { bytesAnswer, type DicomwebAnswer, notModified, withHeaders } from '../http/dicomweb.answer.js';
import type { DicomwebRequest } from '../http/dicomweb.request.js';
import { etagOf, matchesEtag } from '../http/entity.tags.js';
import { metered } from '../http/metering.js';
import type { RecordedRead } from '../wado/read.access.js';
import { StoredFrames } from '../wado/stored.frames.js';

const RANGES = { 'accept-ranges': 'bytes' } as const;

/** Sends videos. Browsers use range requests to play a video (RFC 9110 §14). */
@Injectable()
export class VideoAnswers {
  constructor(private readonly frames: StoredFrames) {}

  /**
   * Answers with the video of the first instance, or with the requested range of the video. The status is 416 when the range is outside the
   * video.
   */
  async of(request: DicomwebRequest, read: RecordedRead, type: string): Promise<DicomwebAnswer> {
    const [instance] = read.instances;
    const etag = etagOf(read, ['video'], 'strong');
    if (matchesEtag(request.ifNoneMatch, etag)) return notModified(etag);
    const bytes = await this.frames.frame(instance, 1, instance.size);
    const counted = (sent: ArchiveBytes) => metered(sent, { instances: 1 }, read.offered);
    const { length } = bytes;
    const range = length === undefined ? undefined : partOf(request, etag, length);
    if (range === undefined) return withHeaders(bytesAnswer(type, counted(bytes), etag), RANGES);
    if (range === 'unsatisfiable') {
      bytes.stream.destroy();
      return outsideBody(length ?? 0);
    }
    const headers = { ...RANGES, 'content-range': `bytes ${range.first}-${range.last}/${length}` };
    const answer = withHeaders(bytesAnswer(type, counted(sliceOf(bytes, range)), etag), headers);
    return { ...answer, status: 206 };
  }
}
