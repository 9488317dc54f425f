import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { eq } from 'drizzle-orm';
import { DATABASE, type Database } from '../database/database.module.js';
import { quarantined } from '../database/schema.catalog.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';
import { OrthancBytes } from '../orthanc/orthanc.bytes.js';
import { NotInArchive } from '../orthanc/orthanc.errors.js';
import type { OrthancId } from '../orthanc/orthanc.id.js';
import { Conflict, UpstreamFailed } from '../problems/errors.js';
import { Arrivals } from './arrivals.service.js';
import { contentOf, isSameContent, transferSyntaxOf } from './file.content.js';
import { letGo, Quarantine } from './quarantine.service.js';
import { retrying } from './retrying.js';

/** What a person decides about a newcomer. `patientId`: whose it becomes; `newUids`: it becomes a study of its own. */
export type Decision =
  | { readonly kind: 'accept' }
  | { readonly kind: 'discard' }
  | {
      readonly kind: 're-identify';
      readonly patientId: string | undefined;
      readonly issuer: string | undefined;
      readonly newUids: boolean;
    };

const PAGE = 200;
const UNMODIFIABLE =
  'The archive cannot re-identify this instance, as a rule because it does not know its transfer syntax. Store it again with other identifiers, then discard this one.';

/**
 * Carries a decision out, instance by instance: each is whole or not begun, so that the same decision once more goes on where one was
 * cut off. What was admitted meanwhile waits no longer, and is left alone.
 */
@Injectable()
export class QuarantineDecisions {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly quarantine: Quarantine,
    private readonly arrivals: Arrivals,
    private readonly api: OrthancApi,
    private readonly bytes: OrthancBytes,
  ) {}

  /** How many instances of a group it was done to; throws `Conflict` when one cannot be accepted now. */
  async carryOut(group: string, decision: Decision): Promise<number> {
    let done = 0;
    let page: readonly OrthancId[] = [];
    do {
      page = await this.quarantine.page(page.at(-1) ?? '', PAGE, group);
      for (const id of page) {
        if (await this.one(id, decision)) done += 1;
      }
    } while (page.length === PAGE);
    return done;
  }

  private async one(id: OrthancId, decision: Decision): Promise<boolean> {
    switch (decision.kind) {
      case 'accept':
        return this.accept(id);
      case 'discard':
        return this.takeOut(id, () => Promise.resolve());
      case 're-identify':
        return this.takeOut(id, () => this.storeAs(id, decision));
    }
  }

  private async accept(id: OrthancId): Promise<boolean> {
    const arrival = await this.arrivals.take(id, 'displacing');
    if (arrival === 'admitted' || arrival === 'known') return true;
    if (arrival === 'gone') return false;
    if (arrival === 'later') throw new Conflict('Somebody is storing into that study now. Try again.');
    throw new Conflict(
      'It has no usable identifiers and cannot be shown as it is: discard or re-identify it.',
    );
  }

  /** Deletes an instance that still waits from the archive, after `before`; whoever would admit it waits for the end. */
  private async takeOut(id: OrthancId, before: () => Promise<void>): Promise<boolean> {
    return retrying(() =>
      this.database.transaction(async (tx) => {
        const waiting = await tx
          .select({ id: quarantined.orthancId })
          .from(quarantined)
          .where(eq(quarantined.orthancId, id))
          .for('update');
        if (waiting.length === 0) return false;
        await before().catch((error: unknown) => {
          // It left the archive by itself.
          if (!(error instanceof NotInArchive)) throw error;
        });
        await this.api.deleteInstance(id);
        await letGo(tx, id);
        return true;
      }),
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
    if ((await transferSyntaxOf((await modified()).stream)) !== before) throw new Conflict(UNMODIFIABLE);
    const stored = await this.bytes.storeInstance((await modified()).stream);
    if (stored.status === 'Success') return;
    // It was there when it was stored: gone now, nothing holds what waits but itself.
    const theirs = await this.bytes.instanceFile(stored.id, undefined).catch((error: unknown) => {
      if (error instanceof NotInArchive) throw new Conflict('The archive changed meanwhile. Try again.');
      throw error;
    });
    const ours = await modified();
    if (!isSameContent(await contentOf(ours.stream), await contentOf(theirs.stream)))
      throw new Conflict(
        'The archive holds another instance of that identity: discard this one or give it new UIDs.',
      );
  }
}

/** What the archive holds and will not copy under another identity. */
function unmodifiable(error: unknown): never {
  if (error instanceof UpstreamFailed && !(error instanceof NotInArchive)) throw new Conflict(UNMODIFIABLE);
  throw error;
}

/** A UID under 2.25 (PS3.5 §B.2) that follows from one of the archive's ids. */
function uidFrom(id: OrthancId): string {
  const digest = createHash('sha256').update(`re-identified ${id}`).digest('hex').slice(0, 32);
  return `2.25.${BigInt(`0x${digest}`).toString()}`;
}
