import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { noteHandled } from '../problems/handled.errors.js';
import { AuditLog } from './audit.log.js';

const FLUSH_MS = 60 * 1000;
/**
 * Maximum number of counted addresses in one minute. All further addresses are counted together, so that a flood of requests cannot exhaust
 * the memory.
 */
const MAX_ADDRESSES = 10_000;

/** Counts refusals of unauthenticated requests by address and minute. A flood of requests therefore writes only a few audit rows. */
@Injectable()
export class Refusals implements OnApplicationShutdown {
  private counts = new Map<string, number>();
  private readonly logger = new Logger('audit');
  private readonly timer = setInterval(() => void this.flush(), FLUSH_MS).unref();

  constructor(private readonly log: AuditLog) {}

  /** Counts one refusal of this address. */
  count(address: string): void {
    const subject = this.counts.has(address) || this.counts.size < MAX_ADDRESSES ? address : 'many others';
    this.counts.set(subject, (this.counts.get(subject) ?? 0) + 1);
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
  }

  private async flush(): Promise<void> {
    const counts = this.counts;
    this.counts = new Map();
    const rows = [...counts].map(([address, requests]) => ({
      kind: 'refused' as const,
      address,
      action: 'anonymous',
      requests,
    }));
    const [first, ...rest] = rows;
    if (first === undefined) return;
    try {
      await this.log.append(first, ...rest);
    } catch (error) {
      noteHandled('audit refusals', error);
      this.logger.error('refusals could not be written');
    }
  }
}
