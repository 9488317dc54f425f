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

/** What is at most this large comes out of the archive in one piece anyway. */
const HASHED_AT_ONCE = 1024 * 1024;
const READ_AT_ONCE = 8;

/** An instance as the archive's own copy tells it: how large it is, and its content where that is cheap to know. */
export interface ReadInstance extends Pick<ArchivedInstance, 'size' | 'sha256'> {
  readonly facts: InstanceFacts;
  /** Who sent it by C-STORE; empty for other ways. */
  readonly aet: string | undefined;
  readonly fileUuid: string;
}

/** The start of an instance's file. */
interface Beginning extends Pick<ReadInstance, 'size' | 'sha256'>, Pick<FileContent, 'transferSyntax'> {
  /** `undefined` when our reader refuses the file. */
  readonly header: DicomHeader | undefined;
}

/** Reads single instances of the archive as STOW reads them: the same bytes name the same patient, whichever way they came. */
@Injectable()
export class InstanceReader {
  constructor(
    private readonly api: OrthancApi,
    private readonly bytes: OrthancBytes,
  ) {}

  /** Throws `NotInArchive`, and `IdentityMissing` when nothing can hang on its identifiers. */
  async read(id: OrthancId): Promise<ReadInstance> {
    const file = (await this.api.filesOf([id])).get(id);
    if (file === undefined) throw new NotInArchive('file of an instance');
    return this.readWith(file, id);
  }

  /** Of these instances (some hundreds) those that can be read, in their order. */
  async readable(ids: readonly OrthancId[]): Promise<ReadonlyMap<OrthancId, ReadInstance>> {
    const files = await this.api.filesOf(ids);
    const found = new Map<OrthancId, ReadInstance>();
    const left = files.entries();
    const readOnes = async () => {
      for (const [id, file] of left) {
        const one = await this.readWith(file, id).catch(unreadable);
        if (one !== undefined) found.set(id, one);
      }
    };
    await Promise.all(Array.from({ length: READ_AT_ONCE }, readOnes));
    const inOrder = ids.flatMap((id) => {
      const one = found.get(id);
      return one === undefined ? [] : [[id, one] as const];
    });
    return new Map(inOrder);
  }

  private async readWith(file: ArchivedFile, id: OrthancId): Promise<ReadInstance> {
    const { size, sha256, transferSyntax, header } = await this.beginning(id);
    const facts =
      header === undefined ? await this.factsByArchive(file, id, transferSyntax) : factsIn(header);
    return { facts, aet: file.metadata['RemoteAET'], fileUuid: file.uuid, size, sha256 };
  }

  /** The facts as Orthanc reads them, of a file that our own reader refuses. */
  private async factsByArchive({ metadata }: ArchivedFile, id: OrthancId, transferSyntax: string) {
    const tags = await this.api.instanceTags(id);
    // Orthanc names only the transfer syntaxes that it knows: the file itself tells the others, too.
    const syntax = transferSyntax || (metadata['TransferSyntax'] ?? '');
    return factsOf(attributesOfTags(tags), syntax, requestedIn(tags));
  }

  /** What the instance was requested by. Throws `NotInArchive`. */
  async requestsOf(id: OrthancId): Promise<readonly RequestedStep[]> {
    return requestedIn(await this.api.instanceTags(id));
  }

  /** The content of an instance's file, which is read to its end. Throws `NotInArchive`. */
  async content(id: OrthancId): Promise<FileContent> {
    return contentOf((await this.bytes.instanceFile(id, undefined)).stream);
  }

  /** The header of an instance's file, and its content where the file is small; the content of a large file is left for the first conflict. */
  private async beginning(id: OrthancId): Promise<Beginning> {
    const { length: size, stream } = await this.bytes.instanceFile(id, undefined);
    if (size === undefined || size > HASHED_AT_ONCE)
      return { size, sha256: undefined, ...(await startOf(stream)) };
    const file = await buffer(stream);
    const header = await headerOf(only(file));
    return { size, header, ...(await contentOf(Readable.from([file]))) };
  }

  /** Orthanc's ids follow from the identifiers, but not from a PatientID that it spells in another way (blanks before it). */
  parentsOf(id: OrthancId, facts: InstanceFacts): Promise<Pick<ArchivedInstance, 'study' | 'series'>> {
    const { patientId, studyUid, seriesUid, sopUid } = facts;
    if (orthancIdOf(patientId, studyUid, seriesUid, sopUid) !== id) return this.api.parentsOf(id);
    const series = orthancIdOf(patientId, studyUid, seriesUid);
    return Promise.resolve({ study: orthancIdOf(patientId, studyUid), series });
  }

  /** What the archive cannot tell the study of is a study of its own. */
  async studyOf(id: OrthancId): Promise<OrthancId> {
    try {
      return (await this.api.parentsOf(id)).study;
    } catch (error) {
      if (error instanceof UpstreamFailed && !(error instanceof NotInArchive)) return id;
      throw error;
    }
  }
}

function factsIn({ attributes, transferSyntax, requests }: DicomHeader): InstanceFacts {
  return factsOf(attributes, transferSyntax, requests);
}

/** Reads no further than the header, then destroys the stream. */
async function startOf(stream: Readable): Promise<Pick<Beginning, 'header' | 'transferSyntax'>> {
  const pieces: Buffer[] = [];
  try {
    const header = await headerOf(keeping(stream, pieces));
    if (header !== undefined) return { header, transferSyntax: header.transferSyntax };
    return { header, transferSyntax: await transferSyntaxOf(Readable.from(pieces)) };
  } finally {
    stream.destroy();
  }
}

async function* keeping(stream: Readable, pieces: Buffer[]): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    const piece = bytesOf(chunk);
    pieces.push(piece);
    yield piece;
  }
}

async function* only(piece: Buffer): AsyncGenerator<Buffer> {
  yield piece;
}

/** `undefined` when the file is not one that STOW would take. */
async function headerOf(file: AsyncIterable<Buffer>): Promise<DicomHeader | undefined> {
  try {
    return (await readHeader(file, { tags: CATALOG_TAGS })).header;
  } catch (error) {
    if (error instanceof DicomUnreadable) return undefined;
    throw error;
  }
}

/** One instance that cannot be read is no reason to leave the others; an archive that is away is. */
function unreadable(error: unknown): undefined {
  if (error instanceof NeighbourAway || !(error instanceof UpstreamFailed)) throw error;
}
