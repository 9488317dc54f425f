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

/** Files up to this size are read completely, because Orthanc sends such files in one piece in any case. */
const READ_WHOLE_BYTES = 1024 * 1024;
const CONCURRENCY = 8;

/** The facts of an instance, read from its file in the archive. `sha256` is set only for small files. */
export interface ReadInstance extends Pick<ArchivedInstance, 'size' | 'sha256'> {
  readonly facts: InstanceFacts;
  /** The calling AE title of a C-STORE. Empty for instances that arrived by another protocol. */
  readonly aet: string | undefined;
  readonly fileUuid: string;
}

/** The start of the file of an instance. */
interface Beginning extends Pick<ReadInstance, 'size' | 'sha256'>, Pick<FileContent, 'transferSyntax'> {
  /** `undefined` if the gateway's DICOM parser refuses the file. */
  readonly header: DicomHeader | undefined;
}

/** Reads single instances of the archive with the same parser as STOW. The same bytes therefore always belong to the same patient. */
@Injectable()
export class InstanceReader {
  constructor(
    private readonly api: OrthancApi,
    private readonly bytes: OrthancBytes,
  ) {}

  /**
   * Reads one instance. Throws `NotInArchive` if Orthanc does not have it, and `IdentityMissing` if its identifiers are missing or invalid.
   */
  async read(id: OrthancId): Promise<ReadInstance> {
    const file = (await this.api.filesOf([id])).get(id);
    if (file === undefined) throw new NotInArchive('file of an instance');
    return this.readWith(file, id);
  }

  /** Reads some hundreds of instances. The result has only the readable instances, in the order of `ids`. */
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

  /** Returns the facts as Orthanc parses them. Used for a file that the gateway's DICOM parser refuses. */
  private async factsByOrthanc({ metadata }: ArchivedFile, id: OrthancId, transferSyntax: string) {
    const tags = await this.api.instanceTags(id);
    // Orthanc's metadata names only transfer syntaxes that Orthanc supports. The file meta information names every transfer syntax.
    const syntax = transferSyntax || (metadata['TransferSyntax'] ?? '');
    return factsOf(attributesOfTags(tags), syntax, requestedIn(tags));
  }

  /** Returns the items of Request Attributes Sequence of an instance. Throws `NotInArchive`. */
  async requestsOf(id: OrthancId): Promise<readonly RequestedStep[]> {
    return requestedIn(await this.api.instanceTags(id));
  }

  /** Reads the whole file of an instance and returns its transfer syntax and content hash. Throws `NotInArchive`. */
  async content(id: OrthancId): Promise<FileContent> {
    return contentOf((await this.bytes.instanceFile(id, undefined)).stream);
  }

  /** Reads the header of the file. Hashes the content only if the file is small. {@link content} hashes large files when needed. */
  private async beginning(id: OrthancId): Promise<Beginning> {
    const { length: size, stream } = await this.bytes.instanceFile(id, undefined);
    if (size === undefined || size > READ_WHOLE_BYTES)
      return { size, sha256: undefined, ...(await startOf(stream)) };
    const file = await buffer(stream);
    const header = await headerOf(single(file));
    return { size, header, ...(await contentOf(Readable.from([file]))) };
  }

  /**
   * Returns Orthanc's ids of the study and series. The ids are normally computed from the identifiers. If Orthanc spells the PatientID
   * differently (leading spaces), the computed ids are wrong, and this method asks Orthanc.
   */
  parentsOf(id: OrthancId, facts: InstanceFacts): Promise<Pick<ArchivedInstance, 'study' | 'series'>> {
    const { patientId, studyUid, seriesUid, sopUid } = facts;
    if (orthancIdOf(patientId, studyUid, seriesUid, sopUid) !== id) return this.api.parentsOf(id);
    const series = orthancIdOf(patientId, studyUid, seriesUid);
    return Promise.resolve({ study: orthancIdOf(patientId, studyUid), series });
  }

  /** Returns Orthanc's id of the study of an instance. If Orthanc cannot name the study, returns the id of the instance instead. */
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

/** Returns `undefined` if STOW would refuse the file. */
async function headerOf(file: AsyncIterable<Buffer>): Promise<DicomHeader | undefined> {
  try {
    return (await readHeader(file, { tags: CATALOG_TAGS })).header;
  } catch (error) {
    if (error instanceof DicomUnreadable) return undefined;
    throw error;
  }
}

/** Ignores the error of an unreadable instance. Throws the error again if Orthanc is unreachable, or if the error is not from Orthanc. */
function unreadable(error: unknown): undefined {
  if (error instanceof NeighbourAway || !(error instanceof UpstreamFailed)) throw error;
}
