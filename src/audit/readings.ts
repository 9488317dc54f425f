import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { noteHandled } from '../problems/handled.errors.js';
import { type Actor, AuditLog } from './audit.log.js';

/** A read below a study: one of these opens a reading, more of the same only add to its totals. */
export interface Reading {
  readonly action: 'study' | 'series' | 'instance' | 'metadata' | 'frames' | 'rendered' | 'bulk';
  readonly studyUid: string;
  readonly patientIssuer: string;
  readonly patientId: string;
}

/** What was offered to the reader by one request. */
export interface Offered {
  readonly instances?: number;
  readonly frames?: number;
  readonly bytes?: number;
}

interface Totals {
  readonly actor: Actor;
  readonly reading: Reading;
  readonly opened: Promise<void>;
  lastAt: number;
  requests: number;
  instances: number;
  frames: number;
  bytes: number;
}

const IDLE_MS = 10 * 60 * 1000;
const SWEEP_MS = 60 * 1000;
/** A reader who calls himself something else each time must not grow memory: beyond this the oldest reading is closed. */
const OPEN_AT_MOST = 10_000;

/**
 * Reads below a study (design.md, decision 8): the first read of an account × study × action × client is a row committed before
 * its first byte leaves; ten idle minutes later one row tells the totals. So ten thousand frames cost one commit. Another way of signing
 * in, or another patient of the study, begins another.
 */
@Injectable()
export class Readings implements OnApplicationShutdown {
  private readonly open = new Map<string, Totals>();
  private readonly logger = new Logger('audit');
  private readonly timer = setInterval(() => void this.close(Date.now() - IDLE_MS), SWEEP_MS).unref();

  constructor(private readonly log: AuditLog) {}

  /** Resolves when the read is recorded; rejects when it could not be, and nothing may leave then. */
  async record(actor: Actor, reading: Reading): Promise<(offered: Offered) => void> {
    const { accountId, via, address, client } = actor;
    const { studyUid, patientIssuer, patientId, action } = reading;
    // The study as it is: one that is given to another patient is read anew.
    const key = JSON.stringify([accountId, via, studyUid, patientIssuer, patientId, action, address, client]);
    const totals = this.open.get(key) ?? this.begin(key, actor, reading);
    totals.lastAt = Date.now();
    totals.requests += 1;
    await totals.opened;
    return (offered) => {
      // A transfer of an hour is one reading: its totals wait for its end.
      totals.lastAt = Date.now();
      totals.instances += offered.instances ?? 0;
      totals.frames += offered.frames ?? 0;
      totals.bytes += offered.bytes ?? 0;
    };
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.close(Number.POSITIVE_INFINITY);
  }

  private begin(key: string, actor: Actor, reading: Reading): Totals {
    const opened = this.log.append({ ...rowOf(actor, reading), kind: 'opened' });
    const totals: Totals = {
      actor,
      reading,
      opened,
      lastAt: 0,
      requests: 0,
      instances: 0,
      frames: 0,
      bytes: 0,
    };
    const [oldest] = this.open;
    if (oldest !== undefined && this.open.size >= OPEN_AT_MOST) void this.end(...oldest);
    this.open.set(key, totals);
    opened.catch(() => this.open.delete(key));
    return totals;
  }

  private async close(before: number): Promise<void> {
    for (const [key, totals] of this.open) {
      if (totals.lastAt <= before) await this.end(key, totals);
    }
  }

  private async end(key: string, totals: Totals): Promise<void> {
    this.open.delete(key);
    const { actor, reading, requests, instances, frames, bytes } = totals;
    try {
      await this.log.append({
        ...rowOf(actor, reading),
        kind: 'totals',
        requests,
        instances,
        frames,
        bytes,
      });
    } catch (error) {
      noteHandled('audit totals', error);
      this.logger.error('the totals of a reading could not be written');
    }
  }
}

function rowOf(actor: Actor, reading: Reading) {
  const { studyUid, patientIssuer, patientId } = reading;
  return { ...actor, action: `read ${reading.action}`, studyUid, patientIssuer, patientId };
}
