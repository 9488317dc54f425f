import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Injectable } from '@nestjs/common';
import { type ArchivedFile, OrthancApi } from '../orthanc/orthanc.api.js';
import { OrthancBytes } from '../orthanc/orthanc.bytes.js';
import { NotInArchive } from '../orthanc/orthanc.errors.js';
import { type OrthancId, orthancIdOf } from '../orthanc/orthanc.id.js';
import { NeighbourAway, UpstreamFailed } from '../problems/errors.js';
import type { ArchivedInstance } from '../catalog/instance.insert.js';
import { bytesOf, contentOf, type FileContent, transferSyntaxOf } from '../catalog/file.content.js';
import { attributesOfTags, CATALOG_TAGS, factsOf, type InstanceFacts } from '../catalog/instance.facts.js';
import { DicomUnreadable } from '../dicom/dicom.unreadable.js';
import { type DicomHeader, readHeader } from '../dicom/header/header.reader.js';
import { requestedIn, type RequestedStep } from '../dicom/requested.steps.js';

/** Instances up to this size are read whole, because Orthanc sends them in one piece anyway. */
const READ_WHOLE_BYTES = 1024 * 1024;
const CONCURRENCY = 8;

/** An instance as read from the archive's copy: its size, and its content if the file is small. */
export interface ReadInstance extends Pick<ArchivedInstance, 'size' | 'sha256'> {
  readonly facts: InstanceFacts;
  /** The calling AE title of a C-STORE. Empty for instances that came otherwise. */
  readonly aet: string | undefined;
  readonly fileUuid: string;
}

/** The start of the file of an instance. */
interface Beginning extends Pick<ReadInstance, 'size' | 'sha256'>, Pick<FileContent, 'transferSyntax'> {
  /** `undefined` when the gateway's reader refuses the file. */
  readonly header: DicomHeader | undefined;
}

/** Reads single instances of the archive as STOW reads them, so that the same bytes always have the same patient. */
@Injectable()
export class InstanceReader {
  constructor(
    private readonly api: OrthancApi,
    private readonly bytes: OrthancBytes,
  ) {}

  /** Throws `NotInArchive`, and `IdentityMissing` when the identifiers are missing or invalid. */
  async read(id: OrthancId): Promise<ReadInstance> {
    const file = (await this.api.filesOf([id])).get(id);
    if (file === undefined) throw new NotInArchive('file of an instance');
    return this.readWith(file, id);
  }

  /** Those of these instances (some hundreds) that can be read, in the given order. */
  async readAll(ids: readonly OrthancId[]): Promise<ReadonlyMap<OrthancId, ReadInstance>> {
    const files = await this.api.filesOf(ids);
    const found = new Map<OrthancId, ReadInstance>();
    const left = files.entries();
    const readNext = async () => {
      for (const [id, file] of left) {
        const one = await this.readWith(file, id).catch(unreadable);
        if (one !== undefined) found.set(id, one);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, readNext));
    const inOrder = ids.flatMap((id) => {
      const one = found.get(id);
      return one === undefined ? [] : [[id, one] as const];
    });
    return new Map(inOrder);
  }

  private async readWith(file: ArchivedFile, id: OrthancId): Promise<ReadInstance> {
    const { size, sha256, transferSyntax, header } = await this.beginning(id);
    const facts =
      header === undefined ? await this.factsByOrthanc(file, id, transferSyntax) : factsOfHeader(header);
    return { facts, aet: file.metadata['RemoteAET'], fileUuid: file.uuid, size, sha256 };
  }

  /** The facts as Orthanc reads them, for a file that the gateway's reader refuses. */
  private async factsByOrthanc({ metadata }: ArchivedFile, id: OrthancId, transferSyntax: string) {
    const tags = await this.api.instanceTags(id);
    // Orthanc reports only transfer syntaxes that it knows. The file has the others too.
    const syntax = transferSyntax || (metadata['TransferSyntax'] ?? '');
    return factsOf(attributesOfTags(tags), syntax, requestedIn(tags));
  }

  /** The IDs in Request Attributes Sequence of an instance. Throws `NotInArchive`. */
  async requestsOf(id: OrthancId): Promise<readonly RequestedStep[]> {
    return requestedIn(await this.api.instanceTags(id));
  }

  /** The content of the file of an instance. Reads it to its end. Throws `NotInArchive`. */
  async content(id: OrthancId): Promise<FileContent> {
    return contentOf((await this.bytes.instanceFile(id, undefined)).stream);
  }

  /** The header of the file, and its content if the file is small. The content of a large file is read only when it is needed. */
  private async beginning(id: OrthancId): Promise<Beginning> {
    const { length: size, stream } = await this.bytes.instanceFile(id, undefined);
    if (size === undefined || size > READ_WHOLE_BYTES)
      return { size, sha256: undefined, ...(await startOf(stream)) };
    const file = await buffer(stream);
    const header = await headerOf(single(file));
    return { size, header, ...(await contentOf(Readable.from([file]))) };
  }

  /** Orthanc derives its ids from the identifiers, but not from a PatientID that it spells differently (leading spaces). */
  parentsOf(id: OrthancId, facts: InstanceFacts): Promise<Pick<ArchivedInstance, 'study' | 'series'>> {
    const { patientId, studyUid, seriesUid, sopUid } = facts;
    if (orthancIdOf(patientId, studyUid, seriesUid, sopUid) !== id) return this.api.parentsOf(id);
    const series = orthancIdOf(patientId, studyUid, seriesUid);
    return Promise.resolve({ study: orthancIdOf(patientId, studyUid), series });
  }

  /** The study of an instance in Orthanc. If Orthanc cannot tell it, the id of the instance stands for it. */
  async studyOf(id: OrthancId): Promise<OrthancId> {
    try {
      return (await this.api.parentsOf(id)).study;
    } catch (error) {
      if (error instanceof UpstreamFailed && !(error instanceof NotInArchive)) return id;
      throw error;
    }
  }
}

function factsOfHeader({ attributes, transferSyntax, requests }: DicomHeader): InstanceFacts {
  return factsOf(attributes, transferSyntax, requests);
}

/** Reads only the header, then destroys the stream. */
async function startOf(stream: Readable): Promise<Pick<Beginning, 'header' | 'transferSyntax'>> {
  const pieces: Buffer[] = [];
  try {
    const header = await headerOf(collecting(stream, pieces));
    if (header !== undefined) return { header, transferSyntax: header.transferSyntax };
    return { header, transferSyntax: await transferSyntaxOf(Readable.from(pieces)) };
  } finally {
    stream.destroy();
  }
}

async function* collecting(stream: Readable, pieces: Buffer[]): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    const piece = bytesOf(chunk);
    pieces.push(piece);
    yield piece;
  }
}

async function* single(piece: Buffer): AsyncGenerator<Buffer> {
  yield piece;
}

/** `undefined` when STOW would refuse the file. */
async function headerOf(file: AsyncIterable<Buffer>): Promise<DicomHeader | undefined> {
  try {
    return (await readHeader(file, { tags: CATALOG_TAGS })).header;
  } catch (error) {
    if (error instanceof DicomUnreadable) return undefined;
    throw error;
  }
}

/** Skips an instance that cannot be read. Throws when the archive is away. */
function unreadable(error: unknown): undefined {
  if (error instanceof NeighbourAway || !(error instanceof UpstreamFailed)) throw error;
}
