import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { noteHandled } from '../problems/handled.errors.js';
import { type Actor, AuditLog } from './audit.log.js';

/** A read below a study. A reading groups equal reads: the first one writes a row, the others add to its totals. */
export interface Reading {
  readonly action: 'study' | 'series' | 'instance' | 'metadata' | 'frames' | 'rendered' | 'bulk';
  readonly studyUid: string;
  readonly patientIssuer: string;
  readonly patientId: string;
}

/** What one request sent to the reader. */
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
/** At most so many open readings; beyond it the oldest is closed. A client that changes its user agent must not exhaust memory. */
const MAX_OPEN = 10_000;

/**
 * Records reads below a study. The first read of an account × study × action × client is a row that is committed before the first byte
 * leaves. After ten idle minutes another row records the totals. So ten thousand frames need one commit. Another sign-in method, or
 * another patient of the study, opens another reading.
 */
@Injectable()
export class Readings implements OnApplicationShutdown {
  private readonly open = new Map<string, Totals>();
  private readonly logger = new Logger('audit');
  private readonly timer = setInterval(() => void this.close(Date.now() - IDLE_MS), SWEEP_MS).unref();

  constructor(private readonly log: AuditLog) {}

  /** Resolves when the read is recorded, with a function that adds to the totals. Rejects when it cannot be recorded; nothing may leave then. */
  async record(actor: Actor, reading: Reading): Promise<(offered: Offered) => void> {
    const { accountId, via, address, client } = actor;
    const { studyUid, patientIssuer, patientId, action } = reading;
    // With the patient: a study that was moved to another patient opens another reading.
    const key = JSON.stringify([accountId, via, studyUid, patientIssuer, patientId, action, address, client]);
    const totals = this.open.get(key) ?? this.begin(key, actor, reading);
    totals.lastAt = Date.now();
    totals.requests += 1;
    await totals.opened;
    return (offered) => {
      // A long transfer is one reading; its totals wait for its end.
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
    if (oldest !== undefined && this.open.size >= MAX_OPEN) void this.end(...oldest);
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
