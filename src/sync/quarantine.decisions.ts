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
/** How often each gateway looks for decisions that another one left behind. */
const LOOK_MS = 2_000;
const UNMODIFIABLE =
  'The archive cannot re-identify this instance, as a rule because it does not know its transfer syntax. Store it again with other identifiers, then discard this one.';

/**
 * Carries decisions out, instance by instance: the intent is committed, the archive is asked with no transaction open, the result is
 * committed. Every step may be repeated, so a decision that was cut off anywhere is finished by the next gateway that looks.
 */
@Injectable()
export class QuarantineDecisions implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('quarantine');
  private readonly stopping = new AbortController();
  private looking: Promise<void> = Promise.resolve();

  constructor(
    private readonly records: DecisionRecords,
    private readonly arrivals: Ingest,
    private readonly api: OrthancApi,
    private readonly bytes: OrthancBytes,
  ) {}

  onApplicationBootstrap(): void {
    this.looking = this.look();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.looking;
  }

  /**
   * How many instances of a group it was done to. Throws `Conflict` when another decision is open or when this one cannot be done to
   * an instance, which then waits again; any other failure of a neighbour leaves it open, to be finished later.
   */
  async carryOut(group: string, decision: Decision): Promise<number> {
    return this.finish(await this.records.open(group, decision));
  }

  private async look(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        for (
          let open = await this.records.takeOver();
          open !== undefined;
          open = await this.records.takeOver()
        ) {
          const instances = await this.finish(open, this.stopping.signal);
          this.logger.log(
            `a decision that was cut off is finished: ${open.decision.kind}, ${instances} instances`,
          );
        }
      } catch (error) {
        if (!this.stopping.signal.aborted) noteHandled('quarantine decision', error);
      }
      await sleep(LOOK_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  private async finish(open: OpenDecision, stopping?: AbortSignal): Promise<number> {
    const stopKeeping = this.records.keep(open);
    try {
      let page: readonly OrthancId[] = [];
      do {
        page = await this.records.page(open, page.at(-1) ?? '', PAGE);
        for (const id of page) {
          stopping?.throwIfAborted();
          await this.one(id, open);
        }
      } while (page.length === PAGE);
      return await this.records.close(open, 'done');
    } catch (error) {
      // What the archive or the catalog says no to would be refused again; a neighbour that is away comes back.
      const isFinal = error instanceof Conflict || error instanceof UpstreamFailed;
      await (isFinal ? this.records.close(open, 'refused') : this.records.lapse(open)).catch(
        (fault: unknown) => noteHandled('quarantine decision', fault),
      );
      throw error;
    } finally {
      stopKeeping();
    }
  }

  private async one(id: OrthancId, open: OpenDecision): Promise<void> {
    const { decision } = open;
    if (decision.kind === 'accept') {
      if (!(await this.accept(id))) return;
    } else {
      if (decision.kind === 're-identify') await this.storeAs(id, decision).catch(ignoreIfGone);
      await this.api.deleteInstance(id);
    }
    await this.records.record(open, id);
  }

  /** False when it has left the archive by itself. */
  private async accept(id: OrthancId): Promise<boolean> {
    const arrival = await this.arrivals.take(id, 'displacing');
    if (arrival === 'admitted' || arrival === 'known') return true;
    if (arrival === 'gone') return false;
    if (arrival === 'later')
      throw new Conflict('concurrent-change', 'Somebody is storing into that study now. Try again.');
    throw new Conflict(
      'identifiers-missing',
      'It has no usable identifiers and cannot be shown as it is: discard or re-identify it.',
    );
  }

  /** Stores it under another identity. The same again makes the same UIDs, so a repeat finds what it stored before. */
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
    // The original is deleted afterwards: its copy must not declare its pixels something else.
    if ((await transferSyntaxOf((await modified()).stream)) !== before)
      throw new Conflict('instance-not-modifiable', UNMODIFIABLE);
    const stored = await this.bytes.storeInstance((await modified()).stream);
    if (stored.status === 'Success') return;
    // The only copy of it would be deleted next.
    if (stored.id === id)
      throw new Conflict(
        'identity-taken',
        'It has that identity already: give it another patient_id or new UIDs.',
      );
    // It was there when it was stored: gone now, nothing holds what waits but itself.
    const theirs = await this.bytes.instanceFile(stored.id, undefined).catch((error: unknown) => {
      if (error instanceof NotInArchive)
        throw new Conflict('concurrent-change', 'The archive changed meanwhile. Try again.');
      throw error;
    });
    const ours = await modified();
    if (!isSameContent(await contentOf(ours.stream), await contentOf(theirs.stream)))
      throw new Conflict(
        'identity-taken',
        'The archive holds another instance of that identity: discard this one or give it new UIDs.',
      );
  }
}

/** What the archive holds and will not copy under another identity. */
function unmodifiable(error: unknown): never {
  if (error instanceof UpstreamFailed && !(error instanceof NotInArchive))
    throw new Conflict('instance-not-modifiable', UNMODIFIABLE);
  throw error;
}

/** It left the archive by itself, or a decision that was cut off had it deleted. */
function ignoreIfGone(error: unknown): void {
  if (!(error instanceof NotInArchive)) throw error;
}

/** A UID under 2.25 (PS3.5 §B.2) that follows from one of the archive's ids. */
function uidFrom(id: OrthancId): string {
  const digest = createHash('sha256').update(`re-identified ${id}`).digest('hex').slice(0, 32);
  return `2.25.${BigInt(`0x${digest}`).toString()}`;
}
