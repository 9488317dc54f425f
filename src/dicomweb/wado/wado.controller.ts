import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { May, Requires } from '../../authz/authz.guard.js';
import type { Policy } from '../../authz/policy.js';
import type { FoundInstances, Target } from '../../catalog/lookup.service.js';
import { SeriesUid, SopUid, StudyUid } from '../../dicom/uids.js';
import { NotAcceptable, NotVisible } from '../../problems/errors.js';
import { acceptedBy } from '../http/accept.js';
import { BulkValues } from './bulk.values.js';
import { negotiateDataSets, writeXmlParts, XML_TYPE } from '../http/data.set.replies.js';
import { disconnectSignal } from '../http/disconnect.signal.js';
import { FrameList } from './frame.list.js';
import { Frames } from './frames.service.js';
import { Metadata } from './metadata.service.js';
import { nativeModelOf } from '../../dicom/json/native.model.js';
import { isOfRendered } from './rendered.negotiation.js';
import { readRenderedQuery } from './rendered.query.js';
import { RenderedReplies } from './rendered.replies.js';
import { Retrieval } from './retrieval.service.js';
import { canBeDecoded, comesAsLittleEndian, videoType } from '../../dicom/transfer.syntaxes.js';
import { InstanceParam, SeriesParam, StudyParam } from '../http/uid.params.js';
import {
  acceptedAsStored,
  contentType,
  findFile,
  negotiateBulk,
  negotiateFile,
  negotiateFrames,
} from './wado.negotiation.js';
import { cacheable, etagOf, isHeld, sendBytes, sendMultipart, sendUnchanged } from '../http/stream.reply.js';

const PIXEL_DATA = '7FE00010';
/** Part of the entity tag: raised when the same file is told in another way. */
const METADATA_VERSION = 2;

/** Tags and item numbers in turn. */
const BulkPath = z.string().regex(/^[0-9a-fA-F]{8}(\/[1-9]\d{0,4}\/[0-9a-fA-F]{8})*$/);

/** Retrieve Transaction (WADO-RS, PS3.18 §10.4). */
@Controller('dicom-web/studies/:study')
@Requires('studies:read')
export class WadoController {
  constructor(
    private readonly retrieval: Retrieval,
    private readonly pixels: Frames,
    private readonly texts: Metadata,
    private readonly rendered: RenderedReplies,
    private readonly values: BulkValues,
  ) {}

  /** All instances of a study. */
  @Get()
  study(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
  ) {
    return this.files(request, reply, policy, { study }, 'study');
  }

  /** All instances of a series. */
  @Get('series/:series')
  series(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
    @Param('series', SeriesParam) series: SeriesUid,
  ) {
    return this.files(request, reply, policy, { study, series }, 'series');
  }

  /** One instance, in parts or as a single `application/dicom`, or rendered where a rendered media type is liked better. */
  @Get('series/:series/instances/:instance')
  instance(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
    @Param('series', SeriesParam) series: SeriesUid,
    @Param('instance', InstanceParam) instance: SopUid,
  ) {
    return this.files(request, reply, policy, { study, series, instance }, 'instance');
  }

  /** All attributes of every instance of a study, as DICOM JSON or XML. */
  @Get('metadata')
  studyMetadata(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
  ) {
    return this.metadata(request, reply, policy, { study });
  }

  /** All attributes of every instance of a series, as DICOM JSON or XML. */
  @Get('series/:series/metadata')
  seriesMetadata(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
    @Param('series', SeriesParam) series: SeriesUid,
  ) {
    return this.metadata(request, reply, policy, { study, series });
  }

  /** All attributes of one instance, as DICOM JSON or XML. */
  @Get('series/:series/instances/:instance/metadata')
  instanceMetadata(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
    @Param('series', SeriesParam) series: SeriesUid,
    @Param('instance', InstanceParam) instance: SopUid,
  ) {
    return this.metadata(request, reply, policy, { study, series, instance });
  }

  /** Frames of one instance, numbered from 1; a number outside is 404. */
  @Get('series/:series/instances/:instance/frames/:frames')
  async frames(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
    @Param('series', SeriesParam) series: SeriesUid,
    @Param('instance', InstanceParam) instance: SopUid,
    @Param('frames', { schema: FrameList }) frames: number[],
  ): Promise<FastifyReply> {
    const found = await this.retrieval.find(policy, { study, series, instance }, disconnectSignal(reply));
    const [one] = found.instances;
    const [first, ...rest] = frames;
    if (first === undefined) throw new NotVisible();
    // A video is one stream, whatever its number of frames.
    const held = videoType(one.transferSyntax) === undefined ? one.frames : 1;
    if (frames.some((frame) => frame < 1 || frame > held)) throw new NotVisible();
    const representation = negotiateFrames(acceptedBy(request), one, rest.length === 0);
    const opened = await this.retrieval.open(request, found, 'frames');
    const etag = etagOf(found, [frames, representation], representation.multipart ? 'weak' : 'strong');
    if (isHeld(request, etag)) return sendUnchanged(reply, etag);
    if (representation.multipart)
      return sendMultipart(reply, await this.pixels.inParts(opened, [first, ...rest], representation), etag);
    const bytes = await this.pixels.one(opened, first, representation);
    return sendBytes(reply, contentType(representation), bytes, etag);
  }

  /** The value of one element of an instance, as its metadata refers to it. */
  @Get('series/:series/instances/:instance/bulk/*')
  async bulk(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
    @Param('series', SeriesParam) series: SeriesUid,
    @Param('instance', InstanceParam) instance: SopUid,
    @Param('*', { schema: BulkPath }) path: string,
  ): Promise<FastifyReply> {
    const found = await this.retrieval.find(policy, { study, series, instance }, disconnectSignal(reply));
    const [one] = found.instances;
    if (path.toUpperCase() === PIXEL_DATA && !comesAsLittleEndian(one.transferSyntax))
      return this.compressedPixels(request, reply, found);
    const document = await this.values.documentAt(study, one, path);
    const { multipart, type } = negotiateBulk(acceptedBy(request), document?.type);
    const opened = await this.retrieval.open(request, found, 'bulk');
    const wish = document?.type === type ? document : { path, type };
    if (multipart) return sendMultipart(reply, await this.values.inParts(opened, wish));
    // A document may hold scripts, which a browser must not run in the name of this server.
    if (wish === document) void reply.header('content-disposition', 'attachment');
    return sendBytes(reply, type, await this.values.one(opened, wish));
  }

  /** Compressed pixels have no value but that of their frames (PS3.18 §8.7.3.3.2); decoded they are one value. */
  private async compressedPixels(
    request: FastifyRequest,
    reply: FastifyReply,
    found: FoundInstances,
  ): Promise<FastifyReply> {
    const [one] = found.instances;
    const isVideo = videoType(one.transferSyntax) !== undefined;
    const all = isVideo ? 1 : Math.max(one.frames, 1);
    const accepted = canBeDecoded(one) ? acceptedBy(request) : acceptedAsStored(acceptedBy(request));
    const representation = negotiateFrames(accepted, one, all === 1 || canBeDecoded(one));
    const { multipart, decoded } = representation;
    if (!multipart && !decoded && all > 1)
      throw new NotAcceptable('not-acceptable', 'Compressed frames are available in parts, one each.');
    const opened = await this.retrieval.open(request, found, 'bulk');
    if (decoded && multipart) return sendMultipart(reply, await this.pixels.allDecodedInParts(opened));
    if (!multipart) {
      const bytes = decoded
        ? await this.pixels.allDecoded(opened)
        : await this.pixels.one(opened, 1, representation);
      return sendBytes(reply, contentType(representation), bytes);
    }
    const rest = Array.from({ length: all - 1 }, (_, index) => index + 2);
    return sendMultipart(reply, await this.pixels.inParts(opened, [1, ...rest], representation));
  }

  private async files(
    request: FastifyRequest,
    reply: FastifyReply,
    policy: Policy,
    target: Target,
    action: 'study' | 'series' | 'instance',
  ): Promise<FastifyReply> {
    const found = await this.retrieval.find(policy, target, disconnectSignal(reply));
    const single = target.instance !== undefined;
    // A value that cannot be read is refused whichever representation is chosen.
    if (single) readRenderedQuery(request);
    const accepted = acceptedBy(request);
    const at = single ? accepted.findIndex((range) => isOfRendered(range, found.instances[0])) : -1;
    if (at >= 0 && findFile(accepted.slice(0, at), found.instances, single) === undefined)
      return this.rendered.instance(request, reply, found);
    const { multipart, into } = negotiateFile(accepted, found.instances, single);
    const opened = await this.retrieval.open(request, found, action);
    if (multipart) return sendMultipart(reply, await this.retrieval.files(opened, into));
    const bytes = await this.retrieval.file(opened, opened.instances[0], into);
    return sendBytes(reply, 'application/dicom', bytes);
  }

  private async metadata(
    request: FastifyRequest,
    reply: FastifyReply,
    policy: Policy,
    target: Target,
  ): Promise<FastifyReply> {
    const gone = disconnectSignal(reply);
    const found = await this.retrieval.find(policy, target, gone);
    const form = negotiateDataSets(acceptedBy(request), target.instance !== undefined);
    const opened = await this.retrieval.open(request, found, 'metadata');
    const etag = etagOf(found, ['metadata', METADATA_VERSION, form], 'weak');
    if (isHeld(request, etag)) return sendUnchanged(reply, etag);
    if (form !== 'xml' && form !== 'xml-parts')
      return cacheable(reply, etag)
        .header('content-type', form)
        .send(await this.texts.json(opened, gone));
    const dataSets = await this.texts.dataSets(opened, gone);
    if (form === 'xml-parts') return sendMultipart(reply, writeXmlParts(dataSets, opened.offered), etag);
    const documents: Buffer[] = [];
    for await (const dataSet of dataSets) documents.push(await nativeModelOf(dataSet));
    opened.offered({ instances: 1, bytes: documents[0]?.length ?? 0 });
    return cacheable(reply, etag).header('content-type', XML_TYPE).send(documents[0]);
  }
}
