import { Inject, Injectable, Logger } from '@nestjs/common';
import { and, eq, inArray, sql } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { instances, pending } from '../database/schema.catalog.js';
import { NotInArchive } from '../orthanc/orthanc.errors.js';
import type { OrthancId } from '../orthanc/orthanc.id.js';
import { insertInstances, type ArchivedInstance } from '../catalog/instance.insert.js';
import { Uploaders } from '../catalog/uploaders.service.js';
import { evictConflicts } from './conflict.eviction.js';
import { IdentityMissing, type InstanceFacts } from '../catalog/instance.facts.js';
import { type ReadInstance, InstanceReader } from './instance.reader.service.js';
import { type Uploader, resolveParents } from '../catalog/parent.resolution.js';
import { isToLeave, releaseFromQuarantine, Quarantine, type Reason } from './quarantine.service.js';
import { withRetries } from '../catalog/retrying.js';

/** What became of something the archive holds: `later` when a sender is still on its way with it or somebody decided to take it out, a {@link Reason} when it is not shown. */
export type IngestOutcome = 'admitted' | 'known' | 'later' | 'gone' | Reason;

/** Whether an instance may take the place of what it contradicts, which is quarantined then. */
type Manner = 'as it fits' | 'displacing';

/** Rolls a transaction back and carries its outcome out of it. */
class TakenBack extends Error {
  constructor(readonly arrival: IngestOutcome) {
    super('taken back');
  }
}

function isReason(arrival: IngestOutcome): arrival is Reason {
  return arrival === 'contradicts' || arrival === 'altered' || arrival === 'unusable';
}

function takenBack(error: unknown): IngestOutcome {
  if (error instanceof TakenBack) return error.arrival;
  throw error;
}

/** What an interrupted STOW left behind. */
interface Left {
  readonly live: boolean;
  readonly accountId: string | null;
  /** What it sent, where all of it came; the transfer syntax is not known of what was sent before that was noted. */
  readonly content: { readonly transferSyntax: string | null; readonly sha256: Buffer } | undefined;
}

function isAsSent(
  expected: NonNullable<Left['content']>,
  transferSyntax: string,
  sha256: Buffer | undefined,
): boolean {
  return (
    sha256?.equals(expected.sha256) === true &&
    (expected.transferSyntax === null || expected.transferSyntax === transferSyntax)
  );
}

/** Takes up what arrived in the archive by another way than STOW through us (C-STORE), or by a STOW that was cut off. */
@Injectable()
export class Ingest {
  private readonly logger = new Logger('arrivals');

  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly originals: InstanceReader,
    private readonly depositors: Uploaders,
    private readonly quarantine: Quarantine,
  ) {}

  /** Of these Orthanc ids, those that are neither in the catalog nor in quarantine. */
  async unknownOf(ids: readonly OrthancId[]): Promise<OrthancId[]> {
    const unknown: OrthancId[] = [];
    for (let at = 0; at < ids.length; at += 1000) {
      const page = ids.slice(at, at + 1000);
      const rows = await this.database
        .select({ id: instances.orthancId })
        .from(instances)
        .where(inArray(instances.orthancId, page));
      const known = new Set<string>(rows.map((row) => row.id));
      const waiting = await this.quarantine.among(page);
      unknown.push(...page.filter((id) => !known.has(id) && !waiting.has(id)));
    }
    return unknown;
  }

  /** Gives one instance of the archive its place in the catalog, if the unique keys leave one; what has none is quarantined. */
  async take(id: OrthancId, manner: Manner = 'as it fits'): Promise<IngestOutcome> {
    const seen: { facts?: InstanceFacts } = {};
    try {
      const arrival = await this.lookAt(id, manner, seen);
      if (isReason(arrival)) await this.putAside(id, arrival, seen.facts);
      return arrival;
    } catch (error) {
      if (!(error instanceof NotInArchive)) throw error;
      await this.quarantine.release(id);
      return 'gone';
    }
  }

  /** Quarantines what the archive holds; the first time for a reason it is told to the log. */
  async putAside(id: OrthancId, reason: Reason, facts?: InstanceFacts): Promise<void> {
    const study = await this.originals.studyOf(id);
    if (await this.quarantine.hold({ id, study, facts }, reason))
      this.logger.warn(`not shown: an instance in the archive is in quarantine (${reason})`);
  }

  private async lookAt(
    id: OrthancId,
    manner: Manner,
    seen: { facts?: InstanceFacts },
  ): Promise<IngestOutcome> {
    try {
      const original = await this.originals.read(id);
      seen.facts = original.facts;
      return await this.settle(id, original, manner);
    } catch (error) {
      if (error instanceof IdentityMissing) return 'unusable';
      throw error;
    }
  }

  private async settle(id: OrthancId, original: ReadInstance, manner: Manner): Promise<IngestOutcome> {
    const { facts, aet, ...file } = original;
    const left = await this.leftBehind(facts.sopUid);
    if (left?.live) return 'later';
    // A cut-off STOW says whose the instance is and what it must be; other content is not what that account was let in with.
    const expected = manner === 'displacing' ? undefined : left?.content;
    const sha256 =
      expected === undefined ? file.sha256 : (file.sha256 ?? (await this.originals.content(id)).sha256);
    if (expected !== undefined && !isAsSent(expected, facts.transferSyntax, sha256)) return 'altered';
    const account = expected === undefined ? await this.formerUploader(id, facts, aet) : left?.accountId;
    const by = await this.depositors.of(aet, account ?? undefined);
    const parents = await this.originals.parentsOf(id, facts);
    return this.admit(facts, by, { ...file, id, sha256, ...parents }, manner);
  }

  /**
   * Earlier versions put instances that they had acknowledged aside as unusable, by their transfer syntax, and forgot who had sent them.
   */
  private async formerUploader(
    id: OrthancId,
    { studyUid }: InstanceFacts,
    aet: string | undefined,
  ): Promise<string | undefined> {
    const isByDicom = aet !== undefined && aet !== '';
    if (isByDicom || (await this.quarantine.reasonOf(id)) !== 'unusable') return undefined;
    return this.depositors.soleUploaderOf(studyUid);
  }

  private async admit(
    facts: InstanceFacts,
    by: Uploader,
    arrived: ArchivedInstance,
    manner: Manner,
  ): Promise<IngestOutcome> {
    return withRetries(() =>
      this.database.transaction((tx) => this.admitIn(tx, facts, by, arrived, manner)).catch(takenBack),
    );
  }

  /** Everything but an admission takes back the rows made on the way to it. */
  private async admitIn(
    tx: Transaction,
    facts: InstanceFacts,
    by: Uploader,
    arrived: ArchivedInstance,
    manner: Manner,
  ): Promise<IngestOutcome> {
    // What is lost of it in a crash of the database is found again: the feed's position is written after it, and durably.
    if (manner === 'as it fits') await tx.execute(sql`set local synchronous_commit = off`);
    if (manner === 'displacing' && !(await evictConflicts(tx, facts, by, arrived.id)))
      throw new TakenBack('later');
    // First of what is locked below: somebody may be deciding about it.
    if (await isToLeave(tx, arrived.id)) throw new TakenBack('later');
    await releaseFromQuarantine(tx, arrived.id);
    // A STOW that was on its way may have inserted it since the catalog was asked.
    if ((await holderOf(tx, facts)) === arrived.id) return 'known';
    const at = await resolveParents(tx, facts, by);
    if (typeof at === 'string') throw new TakenBack('contradicts');
    if ('kind' in at) throw new TakenBack('later');
    const holder = await holderOf(tx, facts);
    if (holder === arrived.id) return 'known';
    if (holder !== undefined) throw new TakenBack('contradicts');
    await tx
      .delete(pending)
      .where(and(eq(pending.sopUid, facts.sopUid), sql`${pending.expiresAt} < clock_timestamp()`));
    const [onItsWay] = await tx
      .select({ sopUid: pending.sopUid })
      .from(pending)
      .where(eq(pending.sopUid, facts.sopUid));
    if (onItsWay !== undefined) throw new TakenBack('later');
    await insertInstances(tx, at, by, [{ facts, arrived }]);
    return 'admitted';
  }

  private async leftBehind(sopUid: string): Promise<Left | undefined> {
    const [row] = await this.database
      .select({
        live: sql<boolean>`${pending.expiresAt} >= clock_timestamp()`,
        accountId: pending.accountId,
        transferSyntax: pending.transferSyntax,
        sha256: pending.sha256,
      })
      .from(pending)
      .where(eq(pending.sopUid, sopUid));
    if (row === undefined) return undefined;
    const { sha256, transferSyntax, ...left } = row;
    return { ...left, content: sha256 === null ? undefined : { transferSyntax, sha256 } };
  }
}

/** Orthanc's id of the instance that the catalog has under this SOP Instance UID. */
async function holderOf(tx: Transaction, { sopUid }: InstanceFacts): Promise<string | undefined> {
  const [row] = await tx
    .select({ orthancId: instances.orthancId })
    .from(instances)
    .where(eq(instances.sopUid, sopUid));
  return row?.orthancId;
}
