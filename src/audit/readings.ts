import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { noteHandled } from '../problems/handled.errors.js';
import { type Actor, AuditLog } from './audit.log.js';

/** The kind of the read data, and the study and patient of the data. See {@link Readings}. */
export interface Reading {
  readonly action: 'study' | 'series' | 'instance' | 'metadata' | 'frames' | 'rendered' | 'bulk' | 'archive';
  readonly studyUid: string;
  readonly patientIssuer: string;
  readonly patientId: string;
}

/** The amount of data that was sent to the client. */
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
/**
 * Maximum number of open readings. If this number is exceeded, the oldest reading is closed. The limit protects the memory against a client
 * that changes its user agent with each request.
 */
const MAX_OPEN = 10_000;

/**
 * Records reads of studies. A reading is a combination of account, sign-in method, study, patient, action and client. The first read of a
 * reading writes a row. This row is committed before the first byte of the response is sent. Further reads add to the totals. After ten
 * minutes without a read, a second row records the totals. Thus ten thousand frames need only two rows.
 */
@Injectable()
export class Readings implements OnApplicationShutdown {
  private readonly open = new Map<string, Totals>();
  private readonly logger = new Logger('audit');
  private readonly timer = setInterval(() => void this.close(Date.now() - IDLE_MS), SWEEP_MS).unref();

  constructor(private readonly log: AuditLog) {}

  /**
   * Records the read, then resolves to a function that adds to the totals. Rejects if the read cannot be recorded. In this case, the caller
   * must not send any data.
   */
  async record(actor: Actor, reading: Reading): Promise<(offered: Offered) => void> {
    const { accountId, via, address, client } = actor;
    const { studyUid, patientIssuer, patientId, action } = reading;
    // The key includes the patient. If a study is moved to another patient, the next read therefore opens a new reading.
    const key = JSON.stringify([accountId, via, studyUid, patientIssuer, patientId, action, address, client]);
    const totals = this.open.get(key) ?? this.begin(key, actor, reading);
    totals.lastAt = Date.now();
    totals.requests += 1;
    await totals.opened;
    return (offered) => {
      // Each addition restarts the ten minutes, so that later additions of a long transfer are not lost.
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
