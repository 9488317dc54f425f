import { Inject, Injectable, Logger } from '@nestjs/common';
import { and, eq, sql } from 'drizzle-orm';
import { Changes } from '../database/changes.js';
import { BACKGROUND_DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { pending } from '../database/schema.catalog.js';
import { NotInArchive } from '../orthanc/orthanc.errors.js';
import type { OrthancId } from '../orthanc/orthanc.id.js';
import { insertInstances, type ArchivedInstance } from '../catalog/instance.insert.js';
import { Uploaders } from '../catalog/uploaders.service.js';
import { evictConflicts } from './conflict.eviction.js';
import { IdentityMissing, type InstanceFacts } from '../catalog/instance.facts.js';
import { type ReadInstance, InstanceReader } from './instance.reader.service.js';
import { type Uploader, resolveParents } from '../catalog/parent.resolution.js';
import { isBeingDeleted, releaseFromQuarantine, Quarantine, type Reason } from './quarantine.service.js';
import { cataloguedOf, holderOf } from './catalogued.instances.js';
import { withRetries } from '../catalog/retrying.js';

/**
 * The outcome for an instance of the archive. `deferred` means that an upload or an open decision to delete the instance must end first. A
 * {@link Reason} means that the instance is quarantined.
 */
export type IngestOutcome = 'inserted' | 'known' | 'deferred' | 'gone' | Reason;

/** With `evict`, instances that conflict with the new instance are quarantined and removed from the catalog. */
type IngestMode = 'insert' | 'evict';

/** Thrown to roll back the current transaction. The code that started the transaction returns `outcome`. */
class RolledBack extends Error {
  constructor(readonly outcome: IngestOutcome) {
    super('rolled back');
  }
}

function isReason(outcome: IngestOutcome): outcome is Reason {
  return outcome === 'contradicts' || outcome === 'altered' || outcome === 'unusable';
}

function outcomeOf(error: unknown): IngestOutcome {
  if (error instanceof RolledBack) return error.outcome;
  throw error;
}

/** The reservation of an upload. `live` is true if the upload is still running, and false if it was interrupted. */
interface InterruptedUpload {
  readonly live: boolean;
  readonly accountId: string | null;
  /** The content that was uploaded, if the gateway received it completely. Reservations from earlier versions have no transfer syntax. */
  readonly content: { readonly transferSyntax: string | null; readonly sha256: Buffer } | undefined;
}

function isAsSent(
  expected: NonNullable<InterruptedUpload['content']>,
  transferSyntax: string,
  sha256: Buffer | undefined,
): boolean {
  return (
    sha256?.equals(expected.sha256) === true &&
    (expected.transferSyntax === null || expected.transferSyntax === transferSyntax)
  );
}

/** Inserts instances that reached the archive by C-STORE or by an interrupted STOW request. */
@Injectable()
export class Ingest {
  private readonly logger = new Logger('ingest');

  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly reader: InstanceReader,
    private readonly uploaders: Uploaders,
    private readonly quarantine: Quarantine,
    private readonly changes: Changes,
  ) {}

  /** Returns the Orthanc ids that are neither in the catalog (visible or rejected) nor in quarantine. */
  async unknownOf(ids: readonly OrthancId[]): Promise<OrthancId[]> {
    const unknown: OrthancId[] = [];
    for (let at = 0; at < ids.length; at += 1000) {
      const page = ids.slice(at, at + 1000);
      const known = await cataloguedOf(this.database, page);
      const held = await this.quarantine.among(page);
      unknown.push(...page.filter((id) => !known.has(id) && !held.has(id)));
    }
    return unknown;
  }

  /**
   * Inserts one instance of the archive into the catalog. Quarantines the instance if its identifiers are missing or conflict with the
   * catalog, or if its content is not what was uploaded.
   */
  async ingest(id: OrthancId, mode: IngestMode = 'insert'): Promise<IngestOutcome> {
    // Only a decision of an operator ends this reason.
    if (mode === 'insert' && (await this.quarantine.reasonOf(id)) === 'other-patient') return 'other-patient';
    const read: { facts?: InstanceFacts } = {};
    try {
      const outcome = await this.readAndInsert(id, mode, read);
      if (isReason(outcome)) await this.addToQuarantine(id, outcome, read.facts);
      return outcome;
    } catch (error) {
      if (!(error instanceof NotInArchive)) throw error;
      await this.quarantine.release(id);
      return 'gone';
    }
  }

  /** Quarantines an instance of the archive. Logs a warning if the instance was not yet quarantined for this reason. */
  async addToQuarantine(id: OrthancId, reason: Reason, facts?: InstanceFacts): Promise<void> {
    const study = await this.reader.studyOf(id);
    if (await this.quarantine.add({ id, study, facts }, reason))
      this.logger.warn(`an instance of the archive is quarantined (${reason}) and not shown`);
  }

  private async readAndInsert(
    id: OrthancId,
    mode: IngestMode,
    read: { facts?: InstanceFacts },
  ): Promise<IngestOutcome> {
    try {
      const instance = await this.reader.read(id);
      read.facts = instance.facts;
      return await this.insertRead(id, instance, mode);
    } catch (error) {
      if (error instanceof IdentityMissing) return 'unusable';
      throw error;
    }
  }

  private async insertRead(id: OrthancId, instance: ReadInstance, mode: IngestMode): Promise<IngestOutcome> {
    const { facts, aet, ...file } = instance;
    const upload = await this.interruptedUpload(facts.sopUid);
    if (upload?.live) return 'deferred';
    // An interrupted upload determines the account and the content of the instance. The account was authorised to store only this content.
    const expected = mode === 'evict' ? undefined : upload?.content;
    const sha256 =
      expected === undefined ? file.sha256 : (file.sha256 ?? (await this.reader.content(id)).sha256);
    if (expected !== undefined && !isAsSent(expected, facts.transferSyntax, sha256)) return 'altered';
    const account = expected === undefined ? await this.formerUploader(id, facts, aet) : upload?.accountId;
    const by = await this.uploaders.of(aet, account ?? undefined);
    const parents = await this.reader.parentsOf(id, facts);
    return this.insert(facts, by, { ...file, id, sha256, ...parents }, mode);
  }

  /**
   * Returns the account that stored a quarantined instance, if the audit shows this account. Earlier versions quarantined some uploaded
   * instances as `unusable` because of their transfer syntax, and did not save the account.
   */
  private async formerUploader(
    id: OrthancId,
    { studyUid }: InstanceFacts,
    aet: string | undefined,
  ): Promise<string | undefined> {
    const isByDicom = aet !== undefined && aet !== '';
    if (isByDicom || (await this.quarantine.reasonOf(id)) !== 'unusable') return undefined;
    return this.uploaders.soleUploaderOf(studyUid);
  }

  private async insert(
    facts: InstanceFacts,
    by: Uploader,
    archived: ArchivedInstance,
    mode: IngestMode,
  ): Promise<IngestOutcome> {
    const outcome = await withRetries(() =>
      this.database.transaction((tx) => this.insertIn(tx, facts, by, archived, mode)).catch(outcomeOf),
    );
    if (outcome === 'inserted') this.changes.studyHasGrown(facts.studyUid);
    return outcome;
  }

  /** Inserts the instance in a transaction. Every outcome except `inserted` and `known` rolls back the transaction. */
  private async insertIn(
    tx: Transaction,
    facts: InstanceFacts,
    by: Uploader,
    archived: ArchivedInstance,
    mode: IngestMode,
  ): Promise<IngestOutcome> {
    // A crash of the database may lose this row. The position in the feed is committed later, with a durable commit. After a crash, the
    // gateway therefore reads the instance again.
    if (mode === 'insert') await tx.execute(sql`set local synchronous_commit = off`);
    if (mode === 'evict' && !(await evictConflicts(tx, facts, by, archived.id)))
      throw new RolledBack('deferred');
    // Locks the row in `quarantined` first, because an open decision may be about to delete this instance.
    if (await isBeingDeleted(tx, archived.id)) throw new RolledBack('deferred');
    await releaseFromQuarantine(tx, archived.id);
    // A STOW request may have inserted the instance after the reservation was read.
    if ((await holderOf(tx, facts.sopUid)) === archived.id) return 'known';
    const at = await resolveParents(tx, facts, by);
    if (typeof at === 'string') throw new RolledBack('contradicts');
    if ('kind' in at) throw new RolledBack('deferred');
    const holder = await holderOf(tx, facts.sopUid);
    if (holder === archived.id) return 'known';
    if (holder !== undefined) throw new RolledBack('contradicts');
    await tx
      .delete(pending)
      .where(and(eq(pending.sopUid, facts.sopUid), sql`${pending.expiresAt} < clock_timestamp()`));
    const [reserved] = await tx
      .select({ sopUid: pending.sopUid })
      .from(pending)
      .where(eq(pending.sopUid, facts.sopUid));
    if (reserved !== undefined) throw new RolledBack('deferred');
    await insertInstances(tx, at, by, [{ facts, archived: archived }]);
    return 'inserted';
  }

  private async interruptedUpload(sopUid: string): Promise<InterruptedUpload | undefined> {
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
    const { sha256, transferSyntax, ...upload } = row;
    return { ...upload, content: sha256 === null ? undefined : { transferSyntax, sha256 } };
  }
}
