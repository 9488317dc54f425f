import { Inject, Injectable } from '@nestjs/common';
import type { Account } from '../../authn/account.js';
import { allows, holds, type Policy, type StudyFacts } from '../../authz/policy.js';
import { Ingest } from '../../sync/ingest.service.js';
import { hasRegularUids } from '../../catalog/descriptions.js';
import { contentOf, isSameContent } from '../../catalog/file.content.js';
import { CATALOG_TAGS, factsOf, IdentityMissing, type InstanceFacts } from '../../catalog/instance.facts.js';
import type { Uploader } from '../../catalog/parent.resolution.js';
import { ReferenceAccess } from '../../catalog/reference.access.js';
import {
  type Admission,
  type KnownInstance,
  type Reservation,
  Reservations,
} from '../../catalog/reservations.service.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { DeletionSync } from '../../sync/deletion.sync.service.js';
import { OrthancApi } from '../../orthanc/orthanc.api.js';
import { OrthancBytes, type StoredInstance } from '../../orthanc/orthanc.bytes.js';
import type { OrthancId } from '../../orthanc/orthanc.id.js';
import { UpstreamFailed } from '../../problems/errors.js';
import { noteHandled } from '../../problems/handled.errors.js';
import { isAnnotation, isStorageClass } from './annotations.js';
import { type HeaderRead, readHeader } from '../../dicom/header/header.reader.js';
import type { References } from '../../dicom/header/header.references.js';
import { type Failure, FAILURE, failureOf } from './stow.failures.js';
import { type SopIdentity, namedBy, type Outcome, WARNING } from './stow.outcome.js';
import { type Allowed, hashOnly, passOn, type Passed, sendInTurn } from './stow.transfer.js';

/** Who sends: what they may store, and what they may add to studies that are there. */
export interface StowSender {
  readonly storing: Uploader;
  readonly annotating:
    { readonly by: Uploader; readonly readable: (references: References) => Promise<boolean> } | undefined;
}

/** An instance's place among the parts of its request. */
export interface Turn {
  /** Called when the last byte was taken, while the archive may still be busy with it. */
  readonly read: () => void;
  /** Waits for the parts before it, whatever becomes of them: all their bytes are taken. */
  readonly earlier: () => Promise<unknown>;
  /** Aborts when the sender's connection is closed. */
  readonly signal: AbortSignal;
}

/** What becomes of an instance: a failure, a success that stores nothing since it is there already, or stored. */
type Fate = Failure | 'again' | undefined;

/** Stores one instance: read its header, decide, reserve its keys, pass its bytes on, complete (design.md, decision 4). */
@Injectable()
export class Stow {
  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly reservations: Reservations,
    private readonly arrivals: Ingest,
    private readonly departures: DeletionSync,
    private readonly readable: ReferenceAccess,
    private readonly api: OrthancApi,
    private readonly bytes: OrthancBytes,
  ) {}

  /** Who stores, with the questions their grants answer; what they may add to what is there, and what it may refer to. */
  sender(account: Account, policy: Policy): StowSender {
    const storing = {
      accountId: account.id,
      institution: account.institution,
      issuer: account.issuer,
      defaultIssuer: this.env.DEFAULT_ISSUER,
      permits: (study: StudyFacts) => allows(policy, 'studies:store', study),
      sees: (study: StudyFacts) =>
        allows(policy, 'studies:read', study) || allows(policy, 'studies:store', study),
    };
    if (!holds(policy, 'studies:annotate')) return { storing, annotating: undefined };
    const permits = (study: StudyFacts) =>
      allows(policy, 'studies:annotate', study) && allows(policy, 'studies:read', study);
    const readable = (references: References) => this.readable.all(policy, references);
    return { storing, annotating: { by: { ...storing, permits, existingOnly: true }, readable } };
  }

  /**
   * Stores the instance in `body`, whose bytes are read once and never held. `study`: the only study it may belong to. Throws only
   * when the sender or a neighbour is gone.
   */
  async store(
    body: AsyncIterable<Buffer>,
    sender: StowSender,
    study: string | undefined,
    turn: Turn,
  ): Promise<Outcome> {
    const part: { named?: SopIdentity | undefined } = {};
    try {
      const header = await readHeader(body, {
        tags: CATALOG_TAGS,
        maxInflatedBytes: this.env.MAX_INSTANCE_BYTES,
        references: sender.annotating !== undefined,
        onMeta: (meta) => {
          part.named = namedBy(meta);
        },
      });
      const facts = factsOf(header.header.attributes, header.header.transferSyntax, header.header.requests);
      // What is in the archive is shown as it is; nothing more of it is let in.
      if (!hasRegularUids(facts)) throw new IdentityMissing();
      part.named = facts;
      const fate = refusalOf(facts, study) ?? (await this.decide(header, facts, sender, turn));
      return outcomeOf(facts, fate, sender.storing.institution);
    } catch (error) {
      const failure = failureOf(error);
      if (failure === undefined) throw error;
      return { stored: false, instance: part.named, failure };
    }
  }

  private async decide(
    header: HeaderRead,
    facts: InstanceFacts,
    sender: StowSender,
    turn: Turn,
  ): Promise<Fate> {
    const admission = await this.admissionOf(header, facts, sender, turn);
    if (admission.kind === 'known') return this.compare(header, facts, admission);
    if (admission.kind === 'reserved') return this.transfer(header, admission, turn);
    return admission.why === 'not-permitted' ? FAILURE.notPermitted : FAILURE.identity;
  }

  /**
   * By the right to store, else by the right to annotate what is there, where everything the instance refers to may be read; that
   * may have come with the parts before it.
   */
  private async admissionOf(
    { references }: HeaderRead,
    facts: InstanceFacts,
    { storing, annotating }: StowSender,
    { earlier }: Turn,
  ): Promise<Admission> {
    const admission = await this.admission(facts, storing);
    if (admission.kind !== 'refused' || admission.why !== 'not-permitted') return admission;
    if (annotating === undefined || references === undefined || !isAnnotation(facts)) return admission;
    const mayRefer =
      (await annotating.readable(references)) ||
      (await earlier().then(() => annotating.readable(references)));
    return mayRefer ? this.admission(facts, annotating.by) : admission;
  }

  /** What the archive no longer holds is not known: its deletion may not have been noticed yet. */
  private async admission(facts: InstanceFacts, by: Uploader): Promise<Admission> {
    const admission = await this.reservations.reserve(facts, by);
    if (admission.kind !== 'known' || (await this.departures.recheck(admission.orthancId))) return admission;
    return this.reservations.reserve(facts, by);
  }

  /** The same again is a success and stores nothing; other content leaves the first as it is. */
  private async compare(header: HeaderRead, facts: InstanceFacts, known: KnownInstance): Promise<Fate> {
    const { sha256 } = await hashOnly(header, this.allowed());
    if (known.transferSyntax !== facts.transferSyntax) return FAILURE.otherContent;
    const held = known.sha256 ?? (await this.learn(known));
    return held.equals(sha256) ? 'again' : FAILURE.otherContent;
  }

  private allowed(): Allowed {
    return { largest: this.env.MAX_INSTANCE_BYTES, tiff: this.env.KEEP_TIFF_PREAMBLE };
  }

  private async learn(known: KnownInstance): Promise<Buffer> {
    const { sha256 } = await contentOf((await this.bytes.instanceFile(known.orthancId, undefined)).stream);
    await this.reservations.learnContent(known.id, sha256);
    return sha256;
  }

  private async transfer(
    header: HeaderRead,
    held: Reservation,
    { read, signal }: Turn,
  ): Promise<Failure | undefined> {
    const stopKeeping = this.reservations.keep(held);
    let passed: Passed | undefined;
    try {
      const bytes = passOn(header, this.allowed(), async (seen) => {
        // All is taken: the next part may be read while this one is on its way.
        read();
        await this.reservations.noteContent(held, seen.sha256);
        passed = seen;
      });
      const sender = { account: held.by.accountId, inflated: header.inflated, signal };
      const stored = await sendInTurn(bytes, sender, (body) => this.bytes.storeInstance(body));
      if (passed === undefined) throw new UpstreamFailed('store');
      if (!(await this.isOurs(stored, held.facts, passed))) {
        await this.reservations.abandon(held);
        return FAILURE.otherContent;
      }
      if (await this.reservations.complete(held, { ...stored, ...passed })) return undefined;
      if (stored.status === 'Success') await this.takeBack(stored.id);
      return FAILURE.notCompleted;
    } catch (error) {
      await this.giveBack(held, passed !== undefined && !isRefusal(error));
      throw error;
    } finally {
      stopKeeping();
    }
  }

  /** What has no place for its sender any more must not be found in the archive, and shown, as nobody's. It was not acknowledged. */
  private async takeBack(id: OrthancId): Promise<void> {
    if ((await this.arrivals.unknownOf([id])).length > 0) await this.api.deleteInstance(id);
  }

  /** Once the archive may hold the instance, the reservation stays to say whose it is. What fails here ends by itself. */
  private async giveBack(held: Reservation, mayBeStored: boolean): Promise<void> {
    try {
      if (mayBeStored) await this.reservations.lapse(held);
      else await this.reservations.abandon(held);
    } catch (error) {
      noteHandled('reservation release', error);
    }
  }

  /** When somebody brought the instance into the archive past us, it must be the same to be ours too. */
  private async isOurs(stored: StoredInstance, facts: InstanceFacts, passed: Passed): Promise<boolean> {
    if (stored.status === 'Success') return true;
    const { stream } = await this.bytes.instanceFile(stored.id, undefined);
    const { transferSyntax } = facts;
    return isSameContent(await contentOf(stream), { transferSyntax, sha256: passed.sha256 });
  }
}

/** The archive looked at the instance and did not want it. */
function isRefusal(error: unknown): boolean {
  return error instanceof UpstreamFailed && error.status !== undefined && error.status < 500;
}

/** What is refused whoever sends it. */
function refusalOf(facts: InstanceFacts, study: string | undefined): Failure | undefined {
  if (study !== undefined && study !== facts.studyUid) return FAILURE.otherStudy;
  return isStorageClass(facts.sopClassUid) ? undefined : FAILURE.sopClass;
}

function outcomeOf(facts: InstanceFacts, fate: Fate, institution: string | undefined): Outcome {
  if (typeof fate === 'object') return { stored: false, instance: facts, failure: fate };
  // What stores nothing coerces nothing.
  const isCoerced =
    fate !== 'again' &&
    institution !== undefined &&
    facts.institution !== '' &&
    facts.institution !== institution;
  return { stored: true, instance: facts, warning: isCoerced ? WARNING.coerced : undefined };
}
