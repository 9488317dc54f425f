import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { eq, sql } from 'drizzle-orm';
import { Changes } from '../database/changes.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { instances, pending } from '../database/schema.catalog.js';
import { noteHandled } from '../problems/handled.errors.js';
import type { ArchivedInstance } from './instance.insert.js';
import type { InstanceFacts } from './instance.facts.js';
import type { AwaitedReservation, Uploader } from './parent.resolution.js';
import { deleteEmptyParents, lockParents } from './parent.rows.js';
import {
  type Completion,
  completeTogether,
  NotTogether,
  type RequestGroup,
  requestGroups,
  reserveTogether,
  type StudyCompletions,
} from './reservation.groups.js';
import {
  type Admission,
  isHeld,
  LIFE_MS,
  newExpiry,
  type Reservation,
  ReservationRolledBack,
  reserveKeys,
  type ReservationRequest,
} from './reservation.rows.js';
import { withRetries } from './retrying.js';
import { WriteGroup } from './write.group.js';

const RENEW_MS = 4_000;
const LONGEST_WAIT_MS = LIFE_MS + 5_000;
/** How long later groups wait for more instances, in milliseconds. */
const GATHER_MS = 10;

/**
 * Reserves the keys of an instance before the archive receives the first byte. The reservation lasts until the catalog has the row of the
 * instance. Instances that arrive together are reserved together and completed together, with one commit for each group (decision 31).
 */
@Injectable()
export class Reservations {
  /** The requests of one uploader. An uploader is one object for each STOW request. */
  private readonly requests = new WeakMap<
    Uploader,
    WriteGroup<ReservationRequest, Admission | AwaitedReservation>
  >();
  private readonly completions = new Map<number, StudyCompletions>();

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly changes: Changes,
  ) {}

  /**
   * Reserves the keys, or returns why this is impossible. Waits if another upload has reserved the same instance, or the first instance of
   * the study. With `sha256`, the hash of the content is saved too, and {@link noteContent} is not needed.
   */
  async reserve(facts: InstanceFacts, by: Uploader, sha256?: Buffer): Promise<Admission> {
    const until = Date.now() + LONGEST_WAIT_MS;
    const request = { facts, by, sha256 };
    let admission = await this.requestsOf(by).add(request);
    while (admission.kind === 'held') {
      if (Date.now() > until) return { kind: 'refused', why: admission.otherwise };
      await sleep(200);
      admission = await this.tryReserve(request);
    }
    return admission;
  }

  private requestsOf(by: Uploader): WriteGroup<ReservationRequest, Admission | AwaitedReservation> {
    const before = this.requests.get(by);
    if (before !== undefined) return before;
    let isFirst = true;
    // The first instance of a request does not wait, because there may be no other.
    const gatherMs = () => {
      if (!isFirst) return GATHER_MS;
      isFirst = false;
      return 0;
    };
    const write = (requests: readonly ReservationRequest[]) => this.reserveAll(requests);
    const group = new WriteGroup(write, gatherMs);
    this.requests.set(by, group);
    return group;
  }

  /** Reserves requests in groups. The requests of a group that cannot be reserved together are reserved one by one, in order. */
  private async reserveAll(
    requests: readonly ReservationRequest[],
  ): Promise<readonly PromiseSettledResult<Admission | AwaitedReservation>[]> {
    const outcomes = new Map<ReservationRequest, PromiseSettledResult<Admission | AwaitedReservation>>();
    for (const group of requestGroups(requests)) {
      const together = await this.tryTogether(group);
      for (const [at, request] of group.entries()) {
        const value = together?.[at];
        const [outcome] =
          value === undefined
            ? await Promise.allSettled([this.tryReserve(request)])
            : [{ status: 'fulfilled' as const, value }];
        outcomes.set(request, outcome);
      }
    }
    return requests.flatMap((request) => outcomes.get(request) ?? []);
  }

  /** Returns `undefined` if the requests must be reserved one by one. That also reports a lasting error. */
  private async tryTogether(
    group: RequestGroup,
  ): Promise<readonly (Admission | AwaitedReservation)[] | undefined> {
    if (group.length === 1) return undefined;
    try {
      return await this.database.transaction((tx) => reserveTogether(tx, group));
    } catch (error) {
      if (error instanceof ReservationRolledBack) return group.map(() => error.admission);
      if (!(error instanceof NotTogether)) noteHandled('reservation of several uploads', error);
      return undefined;
    }
  }

  /** Commits only if the result is a reservation. For any other result, the transaction is rolled back. */
  private async tryReserve(request: ReservationRequest): Promise<Admission | AwaitedReservation> {
    try {
      return await withRetries(() =>
        this.database.transaction(async (tx) => {
          // Without the hash, this commit can be asynchronous. The later commit of `noteContent` also makes this row durable.
          if (request.sha256 === undefined) await tx.execute(sql`set local synchronous_commit = off`);
          const admission = await reserveKeys(tx, request);
          if (admission.kind !== 'reserved') throw new ReservationRolledBack(admission);
          return admission;
        }),
      );
    } catch (error) {
      if (error instanceof ReservationRolledBack) return error.admission;
      throw error;
    }
  }

  /** Renews a reservation every four seconds. The returned function stops the renewal, and must be called when the reservation has ended. */
  keep(reservation: Reservation): () => void {
    const timer = setInterval(() => {
      this.database
        .update(pending)
        .set({ expiresAt: newExpiry() })
        .where(isHeld(reservation))
        .catch((error: unknown) => noteHandled('reservation renewal', error));
    }, RENEW_MS);
    const study = this.completionsOf(reservation.study);
    study.open += 1;
    return () => {
      clearInterval(timer);
      study.open -= 1;
      if (study.open === 0) this.completions.delete(reservation.study);
    };
  }

  /**
   * Saves the hash of the content. Must be called before the archive can confirm that it has stored the instance. After a crash, the hash
   * shows which content the archive's copy must have.
   */
  async noteContent(reservation: Reservation, sha256: Buffer): Promise<void> {
    await this.database.update(pending).set({ sha256, expiresAt: newExpiry() }).where(isHeld(reservation));
  }

  /**
   * Replaces the reservation by the row of the instance, and the instance becomes visible. If the reservation is lost, this method reserves
   * the keys again. A reservation is lost if the process was suspended for too long or the study was deleted. Returns false if the sender
   * may no longer store the instance.
   */
  async complete(reservation: Reservation, archived: ArchivedInstance): Promise<boolean> {
    if (await this.completionsOf(reservation.study).group.add({ reservation, archived })) return true;
    const { facts, by } = reservation;
    const now = await this.reserve(facts, by, archived.sha256);
    if (now.kind === 'reserved')
      return (await this.writeCompletions([{ reservation: now, archived }])).includes(true);
    return now.kind === 'known' && now.orthancId === archived.id;
  }

  private completionsOf(study: number): StudyCompletions {
    const before = this.completions.get(study);
    if (before !== undefined) return before;
    const write = (completions: readonly Completion[]) => this.completeAll(completions);
    const gatherMs = (waiting: number) => (now.open > waiting ? GATHER_MS : 0);
    const now: StudyCompletions = { open: 0, group: new WriteGroup(write, gatherMs) };
    this.completions.set(study, now);
    return now;
  }

  /** Completes reservations of one study together. If this fails, each reservation is completed in its own transaction. */
  private async completeAll(
    completions: readonly Completion[],
  ): Promise<readonly PromiseSettledResult<boolean>[]> {
    if (completions.length > 1) {
      try {
        const results = await this.writeCompletions(completions);
        return results.map((value) => ({ status: 'fulfilled', value }));
      } catch (error) {
        noteHandled('completion of several uploads', error);
      }
    }
    return Promise.allSettled(
      completions.map(async (one) => (await this.writeCompletions([one])).includes(true)),
    );
  }

  private async writeCompletions(completions: readonly Completion[]): Promise<readonly boolean[]> {
    const results = await withRetries(() =>
      this.database.transaction((tx) => completeTogether(tx, completions)),
    );
    const [first] = completions;
    if (first !== undefined && results.includes(true))
      this.changes.studyHasGrown(first.reservation.facts.studyUid);
    return results;
  }

  /**
   * Deletes the reservation, and its series, study and patient if they are empty. May be called only if the archive has no copy from this
   * sender.
   */
  async abandon(reservation: Reservation): Promise<void> {
    await withRetries(() =>
      this.database.transaction(async (tx) => {
        await lockParents(tx, reservation);
        await tx.delete(pending).where(isHeld(reservation));
        await deleteEmptyParents(tx, reservation);
      }),
    );
  }

  /**
   * Lets a reservation expire now, because the result of the upload is unknown. If the archive has a copy of the instance, the watcher of
   * Orthanc's change feed inserts the copy. The sender can repeat the upload immediately.
   */
  async expire(reservation: Reservation): Promise<void> {
    await this.database
      .update(pending)
      .set({ expiresAt: sql`clock_timestamp()` })
      .where(isHeld(reservation));
  }

  /** Saves the content hash of an instance that reached the archive without passing through the gateway. */
  async learnContent(id: number, sha256: Buffer): Promise<void> {
    await this.database.update(instances).set({ sha256 }).where(eq(instances.id, id));
  }
}
