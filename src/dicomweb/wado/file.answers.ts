import { Inject, Injectable } from '@nestjs/common';
import type { FoundInstance, ResourceUids } from '../../catalog/lookup.service.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { codecOf, EXPLICIT_LITTLE_ENDIAN, uncompressedTarget } from '../../dicom/transfer.syntaxes.js';
import { type ArchiveBytes, isReadAtOnce } from '../../orthanc/orthanc.connection.js';
import { acceptedBy } from '../http/accept.js';
import { bytesAnswer, type DicomwebAnswer, multipartAnswer } from '../http/dicomweb.answer.js';
import type { DicomwebRequest } from '../http/dicomweb.request.js';
import { metered } from '../http/metering.js';
import { type OutgoingMultipart, type OutgoingPart, writeMultipart } from '../http/multipart.writer.js';
import { instanceUrl } from '../http/resource.urls.js';
import { DecodedFrames } from '../pixels/decoded.frames.js';
import { EncodedFrames } from '../pixels/encoded.frames.js';
import { InstanceFiles } from './instance.files.js';
import { ReadAccess, type RecordedRead } from './read.access.js';
import { RenderedAnswers } from '../rendered/rendered.answers.js';
import { isOfRendered } from '../rendered/rendered.negotiation.js';
import { parseRenderedQuery } from '../rendered/rendered.query.js';
import { type FileRepresentation, findFile, negotiateFile } from './file.negotiation.js';

/** Retrieves whole instances as DICOM files (PS3.18 §10.4.1.1.1), as they are stored or in another transfer syntax. */
@Injectable()
export class FileAnswers {
  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly access: ReadAccess,
    private readonly files: InstanceFiles,
    private readonly decoded: DecodedFrames,
    private readonly encoded: EncodedFrames,
    private readonly rendered: RenderedAnswers,
  ) {}

  /** Answers with all instances of a study or series. Throws `NotVisible`, `NotAcceptable`. */
  async all(
    request: DicomwebRequest,
    target: ResourceUids,
    action: 'study' | 'series',
  ): Promise<DicomwebAnswer> {
    const found = await this.access.find(request, target);
    const { into } = negotiateFile(acceptedBy(request), found.instances, false);
    return this.multipart(await this.access.record(request, found, action), into);
  }

  /**
   * Answers with one instance: in a multipart body or as a single file. If the client prefers a rendered media type, the instance is
   * rendered. Throws `NotVisible`, `NotAcceptable`.
   */
  async one(request: DicomwebRequest, target: ResourceUids): Promise<DicomwebAnswer> {
    const found = await this.access.find(request, target);
    // This call refuses a malformed rendering parameter, even if the answer is not rendered.
    parseRenderedQuery(request.query);
    const accepted = acceptedBy(request);
    const [instance] = found.instances;
    const firstRendered = accepted.findIndex((range) => isOfRendered(range, instance));
    const isFilePreferred =
      firstRendered < 0 || findFile(accepted.slice(0, firstRendered), found.instances, true) !== undefined;
    if (!isFilePreferred) return this.rendered.instance(request, found);
    const { multipart, into } = negotiateFile(accepted, found.instances, true);
    const read = await this.access.record(request, found, 'instance');
    return multipart ? this.multipart(read, into) : this.file(read, into);
  }

  /** Answers with the file of the first instance as one body: as stored, or converted by `into`. */
  async file(read: RecordedRead, into: FileRepresentation['into']): Promise<DicomwebAnswer> {
    return bytesAnswer(
      'application/dicom',
      await this.fetch(read, read.instances[0], into(read.instances[0])),
    );
  }

  private async multipart(read: RecordedRead, into: FileRepresentation['into']): Promise<DicomwebAnswer> {
    return multipartAnswer(await this.parts(read, into));
  }

  private parts(read: RecordedRead, into: FileRepresentation['into']): Promise<OutgoingMultipart> {
    const [first, ...rest] = read.instances;
    const part = (instance: FoundInstance): OutgoingPart => ({
      type: `application/dicom; transfer-syntax=${into(instance) ?? instance.transferSyntax}`,
      location: instanceUrl(this.env.PUBLIC_URL, read.studyUid, instance),
      ahead: into(instance) === undefined && isReadAtOnce(instance.size),
      open: () => this.fetch(read, instance, into(instance)),
    });
    return writeMultipart('application/dicom', [part(first), ...rest.map(part)]);
  }

  /** The first instance in Explicit VR Little Endian, uncompressed. Throws `NotAcceptable` when its pixels cannot be decoded. */
  async explicit(read: RecordedRead): Promise<ArchiveBytes> {
    const [instance] = read.instances;
    const isExplicit = instance.transferSyntax === EXPLICIT_LITTLE_ENDIAN;
    return this.fetch(read, instance, isExplicit ? undefined : EXPLICIT_LITTLE_ENDIAN);
  }

  private async fetch(
    read: RecordedRead,
    instance: FoundInstance,
    into: string | undefined,
  ): Promise<ArchiveBytes> {
    const bytes =
      into === undefined ? await this.files.stored(instance) : await this.converted(instance, into);
    return metered(bytes, { instances: 1 }, read.offered);
  }

  private converted(instance: FoundInstance, into: string): Promise<ArchiveBytes> {
    const target = uncompressedTarget(into);
    if (target === undefined) return this.encoded.file(instance, into);
    return codecOf(instance.transferSyntax) === undefined
      ? this.files.uncompressed(instance, target)
      : this.decoded.file(instance, target);
  }
}
