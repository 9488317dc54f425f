import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { type Offered, type Reading, Readings } from '../../audit/readings.js';
import type { Policy } from '../../authz/policy.js';
import { DeletionSync } from '../../sync/deletion.sync.service.js';
import {
  type FoundInstances,
  type FoundInstance,
  Lookup,
  type Target,
} from '../../catalog/lookup.service.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { Slots } from '../../limits/slots.js';
import { OrthancApi } from '../../orthanc/orthanc.api.js';
import { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import { type ArchiveBytes, comesAtOnce } from '../../orthanc/orthanc.connection.js';
import { NotInArchive } from '../../orthanc/orthanc.errors.js';
import {
  NeighbourAway,
  NotAcceptable,
  NotAuthenticated,
  NotVisible,
  Problem,
  UpstreamFailed,
} from '../../problems/errors.js';
import { DicomUnreadable } from '../../dicom/dicom.unreadable.js';
import { type OutgoingMultipart, type OutgoingPart, writeMultipart } from '../http/multipart.writer.js';
import { metered } from '../http/metering.js';
import { pdfDocument } from './pdf.document.js';
import { mayBeDecoded } from '../../dicom/decoder.safety.js';
import { resourceUrl } from '../http/resource.urls.js';
import { comesAsLittleEndian, type Uncompressed } from '../../dicom/transfer.syntaxes.js';
import { compressedHeader, recodedFile, withDecodedPixels } from './uncompressed.file.js';

/** Headers of compressed files that are held at one time, of all and of one account. */
const HEADERS = 8;
const OF_ONE_ACCOUNT = 4;
const NO_DOCUMENT = 'This instance holds no PDF document that can be shown; ask for it as application/dicom.';
/** Contents of which is remembered whether they may be decoded. */
const REMEMBERED = 10_000;
const UNDECODABLE = 'The pixels of this instance cannot be decoded; ask for it as it is stored.';

/** A target that was found for an account, with its read on record; `offered` adds to the totals of the reading. */
export interface Opened extends FoundInstances {
  readonly offered: (what: Offered) => void;
}

/** What WADO-RS is made of: find, record, then bytes by Orthanc's own ids. */
@Injectable()
export class Retrieval {
  private readonly headers = new Slots({ places: HEADERS, perAccount: OF_ONE_ACCOUNT });
  /** By content. */
  private readonly decodable = new Map<string, boolean>();

  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly lookup: Lookup,
    private readonly readings: Readings,
    private readonly bytes: OrthancBytes,
    private readonly api: OrthancApi,
    private readonly departures: DeletionSync,
  ) {}

  /** Finds the target for the account; throws `NotVisible`. Once `signal` aborts, no read of it waits for a place any more. */
  find(policy: Policy, target: Target, signal: AbortSignal): Promise<FoundInstances> {
    return this.lookup.find(policy, 'studies:read', target, signal);
  }

  /** Commits the read to the audit; only then may bytes leave. */
  async open(request: FastifyRequest, found: FoundInstances, action: Reading['action']): Promise<Opened> {
    if (request.actor === undefined) throw new NotAuthenticated();
    const { studyUid, patientIssuer, patientId } = found;
    const offered = await this.readings.record(request.actor, { action, studyUid, patientIssuer, patientId });
    request.auditCovered = true;
    request.stillMay = (policy) => this.lookup.covers(policy, 'studies:read', studyUid);
    return { ...found, offered };
  }

  /** All instances as `multipart/related; type="application/dicom"` (PS3.18 §10.4), stored or decoded `into`. */
  files(opened: Opened, into: Uncompressed | undefined): Promise<OutgoingMultipart> {
    const [first, ...rest] = opened.instances;
    const part = (instance: FoundInstance): OutgoingPart => ({
      type: `application/dicom; transfer-syntax=${into ?? instance.transferSyntax}`,
      location: this.urlOf(opened, instance),
      ahead: (into === undefined || into === instance.transferSyntax) && comesAtOnce(instance.size),
      open: () => this.file(opened, instance, into),
    });
    return writeMultipart('application/dicom', [part(first), ...rest.map(part)]);
  }

  /** One instance's DICOM file, stored or decoded `into`. */
  async file(opened: Opened, instance: FoundInstance, into: Uncompressed | undefined): Promise<ArchiveBytes> {
    const asStored = into === undefined || into === instance.transferSyntax;
    const bytes = asStored ? await this.storedFile(instance) : await this.uncompressedFile(instance, into);
    return metered(bytes, { instances: 1 }, opened.offered);
  }

  /** The file as it is stored. */
  storedFile(instance: FoundInstance): Promise<ArchiveBytes> {
    return this.fromArchive(instance, () =>
      this.bytes.instanceFile(instance.orthancId, instance.size, instance),
    );
  }

  /** The file in another, uncompressed transfer syntax, all but its pixels as it is stored; throws `NotAcceptable` when it cannot be made. */
  async uncompressedFile(instance: FoundInstance, into: Uncompressed): Promise<ArchiveBytes> {
    try {
      if (comesAsLittleEndian(instance.transferSyntax))
        return await recodedFile(await this.storedFile(instance), into);
      return await this.decompressedFile(instance, into);
    } catch (error) {
      if (error instanceof DicomUnreadable) throw new NotAcceptable('not-decodable', UNDECODABLE);
      // A transfer that broke before anything had left.
      throw error instanceof Problem ? error : new NeighbourAway('orthanc', { cause: error });
    }
  }

  /** Few at a time: its header is held while it waits for its pixels. */
  private decompressedFile(instance: FoundInstance, into: Uncompressed): Promise<ArchiveBytes> {
    const work = async () => {
      const header = await compressedHeader(await this.storedFile(instance), into);
      return withDecodedPixels(header, await this.archiveDecoded(instance), instance.frames);
    };
    return this.headers.run(work, instance.signal, instance.reader);
  }

  /** The file as the archive decodes it into Explicit VR Little Endian: only its pixels can be trusted. Throws `NotAcceptable` when it fails to. */
  archiveDecoded(instance: FoundInstance): Promise<ArchiveBytes> {
    const call = () => this.bytes.decodedFile(instance.orthancId, instance);
    return this.computed(instance, UNDECODABLE, call);
  }

  /**
   * What the archive has to compute. Throws `NotAcceptable` with `why` when it fails, or would end by it; `NotVisible` when the
   * instance is gone, which the archive tells in the same words as what it cannot decode.
   */
  async computed(
    instance: FoundInstance,
    why: string,
    call: () => Promise<ArchiveBytes>,
  ): Promise<ArchiveBytes> {
    try {
      const isImage = instance.rows !== undefined && instance.bitsAllocated !== 1;
      if (isImage && !(await this.isDecodable(instance))) throw new NotAcceptable('not-decodable', why);
      return await call();
    } catch (error) {
      if (!(error instanceof UpstreamFailed)) throw error;
      if (error instanceof NotInArchive && !(await this.departures.recheck(instance.orthancId)))
        throw new NotVisible();
      throw new NotAcceptable('not-decodable', why);
    }
  }

  /** Asked of the archive once for each content, not for each of its frames. */
  private async isDecodable({ orthancId, storedAt, sopClassUid }: FoundInstance): Promise<boolean> {
    const content = `${orthancId} ${storedAt.getTime()}`;
    const known = this.decodable.get(content);
    if (known !== undefined) return known;
    const decodable = mayBeDecoded(sopClassUid, await this.api.instanceTags(orthancId));
    this.decodable.set(content, decodable);
    const [oldest] = this.decodable.keys();
    if (this.decodable.size > REMEMBERED && oldest !== undefined) this.decodable.delete(oldest);
    return decodable;
  }

  /** The document of an encapsulated PDF; throws `NotAcceptable` when the instance holds none. */
  async pdf(opened: Opened, instance: FoundInstance): Promise<ArchiveBytes> {
    const call = () => this.bytes.pdf(instance.orthancId, instance);
    const bytes = await pdfDocument(await this.computed(instance, NO_DOCUMENT, call));
    if (bytes === undefined) throw new NotAcceptable('not-decodable', NO_DOCUMENT);
    return metered(bytes, { instances: 1 }, opened.offered);
  }

  /** The documents of encapsulated PDFs as `multipart/related; type="application/pdf"`; instances without one are left out. */
  pdfsInParts(opened: Opened): Promise<OutgoingMultipart> {
    const type = 'application/pdf';
    const [first, ...rest] = opened.instances;
    const part = (instance: FoundInstance): OutgoingPart => ({
      type,
      location: `${this.urlOf(opened, instance)}/rendered`,
      ahead: false,
      optional: true,
      open: () => this.pdf(opened, instance),
    });
    return writeMultipart(type, [part(first), ...rest.map(part)]);
  }

  /** The public address of an instance. */
  urlOf(found: FoundInstances, instance: FoundInstance): string {
    const { seriesUid, sopUid } = instance;
    return resourceUrl(this.env.PUBLIC_URL, { study: found.studyUid, series: seriesUid, instance: sopUid });
  }

  /** What the archive no longer holds is checked at once and does not exist from then on. */
  async fromArchive(instance: FoundInstance, call: () => Promise<ArchiveBytes>): Promise<ArchiveBytes> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof NotInArchive)) throw error;
      await this.departures.recheck(instance.orthancId);
      throw new NotVisible();
    }
  }
}
