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
/** Interval at which each gateway looks for decisions of processes that have crashed. */
const POLL_MS = 2_000;
const UNMODIFIABLE =
  'Orthanc cannot re-identify this instance, usually because Orthanc does not support its transfer syntax. Store the instance again with other identifiers, then discard this one.';

/**
 * Applies decisions to quarantined instances, one instance after the other. The decision is committed first. Then each step calls Orthanc
 * outside of a transaction and commits the result. Every step can be repeated, so another gateway can finish an interrupted decision.
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
   * Applies a decision to a group and returns the number of instances that were decided. Throws `Conflict` if another decision is open, or
   * if the decision is impossible for an instance. Such an instance is kept in quarantine. After any other failure, the decision is still
   * open, and a gateway finishes the decision later.
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
      // A refusal by Orthanc or the catalog is final. After any other error, such as an unreachable server, a later attempt can succeed.
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

  /** Accepts an instance into the catalog. Returns false if Orthanc no longer has the instance. */
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

  /**
   * Stores a copy of the instance with other identifiers. The new UIDs are derived from Orthanc's ids. A repeated run therefore computes
   * the same UIDs and finds the copy that the first run stored.
   */
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
    // The original is deleted afterwards, so the copy must have the same transfer syntax.
    if ((await transferSyntaxOf((await modified()).stream)) !== before)
      throw new Conflict('instance-not-modifiable', UNMODIFIABLE);
    const stored = await this.bytes.storeInstance((await modified()).stream);
    if (stored.status === 'Success') return;
    // If the copy has the same identifiers as the original, Orthanc has not stored a second instance. The next step would then delete the
    // only instance.
    if (stored.id === id)
      throw new Conflict(
        'identity-taken',
        'The instance already has this identity. Use another patient_id or new UIDs.',
      );
    // Orthanc has just reported an instance with this identity. If that instance is gone now, the quarantined instance is the only copy and
    // must not be deleted.
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

/** Throws `Conflict` if Orthanc has the instance but cannot make a copy with other identifiers. Throws any other error again. */
function unmodifiable(error: unknown): never {
  if (error instanceof UpstreamFailed && !(error instanceof NotInArchive))
    throw new Conflict('instance-not-modifiable', UNMODIFIABLE);
  throw error;
}

/** Ignores that the instance is no longer in Orthanc. An interrupted run of the same decision may have deleted the instance. */
function ignoreIfGone(error: unknown): void {
  if (!(error instanceof NotInArchive)) throw error;
}

/** Derives a UID under the root 2.25 (PS3.5 §B.2) from an Orthanc id. */
function uidFrom(id: OrthancId): string {
  const digest = createHash('sha256').update(`re-identified ${id}`).digest('hex').slice(0, 32);
  return `2.25.${BigInt(`0x${digest}`).toString()}`;
}
