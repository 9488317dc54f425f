import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { OrthancApi } from '../orthanc/orthanc.api.js';
import { OrthancBytes } from '../orthanc/orthanc.bytes.js';
import { NotInArchive } from '../orthanc/orthanc.errors.js';
import type { OrthancId } from '../orthanc/orthanc.id.js';
import { Conflict, UpstreamFailed } from '../problems/errors.js';
import { noteHandled } from '../problems/handled.errors.js';
import { Ingest } from './ingest.service.js';
import { contentOf, isSameContent, transferSyntaxOf } from '../catalog/file.content.js';
import { type Decision, DecisionRecords, type OpenDecision } from './quarantine.records.js';

const PAGE = 200;
/** How often each gateway looks for decisions whose process has died. */
const POLL_MS = 2_000;
const UNMODIFIABLE =
  'Orthanc cannot re-identify this instance, usually because Orthanc does not support its transfer syntax. Store the instance again with other identifiers, then discard this one.';

/**
 * Carries decisions out, instance by instance. The decision is committed first. Orthanc is called outside of transactions, and then each
 * result is committed. Every step may be repeated, so another gateway can finish an interrupted decision.
 */
@Injectable()
export class QuarantineDecisions implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('quarantine');
  private readonly stopping = new AbortController();
  private polling: Promise<void> = Promise.resolve();

  constructor(
    private readonly records: DecisionRecords,
    private readonly ingest: Ingest,
    private readonly api: OrthancApi,
    private readonly bytes: OrthancBytes,
  ) {}

  onApplicationBootstrap(): void {
    this.polling = this.poll();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.polling;
  }

  /**
   * Carries a decision out for a group, and returns for how many instances. Throws `Conflict` when another decision is open, or when this
   * one is impossible for an instance, which then stays in quarantine. Any other failure leaves the decision open, to be finished later.
   */
  async carryOut(group: string, decision: Decision): Promise<number> {
    return this.finish(await this.records.open(group, decision));
  }

  private async poll(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        for (
          let open = await this.records.takeOver();
          open !== undefined;
          open = await this.records.takeOver()
        ) {
          const instances = await this.finish(open, this.stopping.signal);
          this.logger.log(
            `an interrupted decision is finished: ${open.decision.kind}, ${instances} instances`,
          );
        }
      } catch (error) {
        if (!this.stopping.signal.aborted) noteHandled('quarantine decision', error);
      }
      await sleep(POLL_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  private async finish(open: OpenDecision, stopping?: AbortSignal): Promise<number> {
    const stopRenewing = this.records.renewUntilStopped(open);
    try {
      let page: readonly OrthancId[] = [];
      do {
        page = await this.records.page(open, page.at(-1) ?? '', PAGE);
        for (const id of page) {
          stopping?.throwIfAborted();
          await this.carryOutOne(id, open);
        }
      } while (page.length === PAGE);
      return await this.records.close(open, 'done');
    } catch (error) {
      // A refusal by Orthanc or the catalog is final. A service that is away comes back.
      const isFinal = error instanceof Conflict || error instanceof UpstreamFailed;
      await (isFinal ? this.records.close(open, 'refused') : this.records.release(open)).catch(
        (fault: unknown) => noteHandled('quarantine decision', fault),
      );
      throw error;
    } finally {
      stopRenewing();
    }
  }

  private async carryOutOne(id: OrthancId, open: OpenDecision): Promise<void> {
    const { decision } = open;
    if (decision.kind === 'accept') {
      if (!(await this.accept(id))) return;
    } else {
      if (decision.kind === 're-identify') await this.storeAs(id, decision).catch(ignoreIfGone);
      await this.api.deleteInstance(id);
    }
    await this.records.record(open, id);
  }

  /** False when Orthanc no longer has the instance. */
  private async accept(id: OrthancId): Promise<boolean> {
    const outcome = await this.ingest.ingest(id, 'evict');
    if (outcome === 'inserted' || outcome === 'known') return true;
    if (outcome === 'gone') return false;
    if (outcome === 'deferred')
      throw new Conflict('concurrent-change', 'An upload into this study is running. Try again later.');
    throw new Conflict(
      'identifiers-missing',
      'The instance has no usable identifiers. Discard it, or re-identify it.',
    );
  }

  /** Stores a copy with another identity. A repeat makes the same UIDs, so it finds the copy that it stored before. */
  private async storeAs(
    id: OrthancId,
    { patientId, issuer, newUids }: Extract<Decision, { kind: 're-identify' }>,
  ): Promise<void> {
    const parents = await this.api.parentsOf(id);
    const uids = newUids
      ? { study: uidFrom(parents.study), series: uidFrom(parents.series), instance: uidFrom(id) }
      : undefined;
    const modified = () => this.bytes.modifiedInstance(id, { patientId, issuer, uids }).catch(unmodifiable);
    const before = await transferSyntaxOf((await this.bytes.instanceFile(id, undefined)).stream);
    // The original is deleted afterwards, so the copy must keep the transfer syntax.
    if ((await transferSyntaxOf((await modified()).stream)) !== before)
      throw new Conflict('instance-not-modifiable', UNMODIFIABLE);
    const stored = await this.bytes.storeInstance((await modified()).stream);
    if (stored.status === 'Success') return;
    // Otherwise the only copy would be deleted next.
    if (stored.id === id)
      throw new Conflict(
        'identity-taken',
        'The instance already has this identity. Use another patient_id or new UIDs.',
      );
    // Orthanc held this identity a moment ago. If it is gone now, only the quarantined instance is left.
    const existing = await this.bytes.instanceFile(stored.id, undefined).catch((error: unknown) => {
      if (error instanceof NotInArchive)
        throw new Conflict('concurrent-change', 'The archive has changed meanwhile. Try again.');
      throw error;
    });
    const copy = await modified();
    if (!isSameContent(await contentOf(copy.stream), await contentOf(existing.stream)))
      throw new Conflict(
        'identity-taken',
        'The archive holds another instance with this identity. Discard this one, or use new UIDs.',
      );
  }
}

/** Orthanc holds the instance but cannot make a copy with another identity. */
function unmodifiable(error: unknown): never {
  if (error instanceof UpstreamFailed && !(error instanceof NotInArchive))
    throw new Conflict('instance-not-modifiable', UNMODIFIABLE);
  throw error;
}

/** The instance was deleted from Orthanc, perhaps by an interrupted run of this decision. */
function ignoreIfGone(error: unknown): void {
  if (!(error instanceof NotInArchive)) throw error;
}

/** A UID under 2.25 (PS3.5 §B.2) that is derived from an Orthanc id. */
function uidFrom(id: OrthancId): string {
  const digest = createHash('sha256').update(`re-identified ${id}`).digest('hex').slice(0, 32);
  return `2.25.${BigInt(`0x${digest}`).toString()}`;
}
