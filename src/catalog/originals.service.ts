import { Injectable } from '@nestjs/common';
import { type ArchivedFile, OrthancApi } from '../orthanc/orthanc.api.js';
import { OrthancBytes } from '../orthanc/orthanc.bytes.js';
import { NotInArchive } from '../orthanc/orthanc.errors.js';
import { type OrthancId, orthancIdOf } from '../orthanc/orthanc.id.js';
import { NeighbourAway, UpstreamFailed } from '../problems/errors.js';
import type { Arrived } from './admitting.js';
import { hashContent } from './content.hash.js';
import { attributesOfTags, factsOf, type InstanceFacts } from './instance.facts.js';
import { requestedIn, type RequestedStep } from './requested.steps.js';

/** What is at most this large comes out of the archive in one piece anyway. */
const HASHED_AT_ONCE = 1024 * 1024;
const READ_AT_ONCE = 8;

/** An instance as the archive's own copy tells it. */
export interface Original {
  readonly facts: InstanceFacts;
  /** Who sent it by C-STORE; empty for other ways. */
  readonly aet: string | undefined;
  readonly fileUuid: string;
}

/** How large it is, and its content where that is known. */
export type Content = Pick<Arrived, 'size' | 'sha256'>;

/** Reads what the archive holds of single instances. */
@Injectable()
export class Originals {
  constructor(
    private readonly api: OrthancApi,
    private readonly bytes: OrthancBytes,
  ) {}

  /** Throws `NotInArchive`, and `IdentityMissing` when nothing can hang on its identifiers. */
  async read(id: OrthancId): Promise<Original> {
    const [files, tags] = await Promise.all([this.api.filesOf([id]), this.api.instanceTags(id)]);
    const file = files.get(id);
    if (file === undefined) throw new NotInArchive('file of an instance');
    return originalOf(file, tags);
  }

  /** Of these instances (some hundreds) those that can be read, in their order, with their content where that is cheap. */
  async readable(ids: readonly OrthancId[]): Promise<ReadonlyMap<OrthancId, Original & Content>> {
    const files = await this.api.filesOf(ids);
    const found = new Map<OrthancId, Original & Content>();
    const left = files.entries();
    const readOnes = async () => {
      for (const [id, file] of left) {
        const one = await this.readWith(file, id);
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

  private async readWith(file: ArchivedFile, id: OrthancId): Promise<(Original & Content) | undefined> {
    try {
      const [tags, content] = await Promise.all([this.api.instanceTags(id), this.content(id, false)]);
      return { ...originalOf(file, tags), ...content };
    } catch (error) {
      if (error instanceof NeighbourAway || !(error instanceof UpstreamFailed)) throw error;
      return undefined;
    }
  }

  /** What the instance was requested by. Throws `NotInArchive`. */
  async requestsOf(id: OrthancId): Promise<readonly RequestedStep[]> {
    return requestedIn(await this.api.instanceTags(id));
  }

  /** Size and content; a large file is read only when its content is `needed` now, else at the first conflict. */
  async content(id: OrthancId, needed: boolean): Promise<Content> {
    const { length, stream } = await this.bytes.instanceFile(id, undefined);
    if (needed || (length !== undefined && length <= HASHED_AT_ONCE))
      return { size: length, sha256: await hashContent(stream) };
    stream.destroy();
    return { size: length, sha256: undefined };
  }

  /** Orthanc's ids follow from the identifiers, but not from a PatientID that it spells in another way (blanks before it). */
  parentsOf(id: OrthancId, facts: InstanceFacts): Promise<Pick<Arrived, 'study' | 'series'>> {
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

function originalOf(file: ArchivedFile, tags: Readonly<Record<string, unknown>>): Original {
  return {
    facts: factsOf(attributesOfTags(tags), file.metadata['TransferSyntax'] ?? '', requestedIn(tags)),
    aet: file.metadata['RemoteAET'],
    fileUuid: file.uuid,
  };
}
