import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type postgres from 'postgres';
import { POSTGRES } from '../../database/database.module.js';

const CHANNEL = 'import_event';
/** A connection that a firewall dropped without a word hears nothing; TCP finds that out after minutes. */
const UNHEARD_MS = 60_000;

/** A listener's place among those who wait for events of one import. */
interface ImportSubscription {
  /** Waits until there may be new events; false when `timeoutMs` passed or `signal` was aborted first. Events since the last wait count. */
  wait: (timeoutMs: number, signal: AbortSignal) => Promise<boolean>;
  end: () => void;
}

/**
 * Tells the listeners of this process that an import has new events. All share one LISTEN connection. After a lost connection, and once
 * a minute, every listener is told, because notifications of the meantime are gone.
 */
@Injectable()
export class ImportNotifications implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly subscriptions = new Map<string, Set<() => void>>();
  private readonly logger = new Logger('imports');
  private timer: NodeJS.Timeout | undefined;

  constructor(@Inject(POSTGRES) private readonly sql: postgres.Sql) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.tellAll(), UNHEARD_MS).unref();
    // The driver listens again by itself when its connection was lost, and calls the third argument then.
    this.sql
      .listen(
        CHANNEL,
        (importId) => this.tell(importId),
        () => this.tellAll(),
      )
      .catch(() =>
        this.logger.warn('LISTEN failed: the progress of imports is read once a minute until it succeeds'),
      );
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** Subscribes to an import; the caller calls `end` when it has left. */
  subscribe(importId: string): ImportSubscription {
    let isTold = false;
    let wake: (() => void) | undefined;
    const told = () => {
      isTold = true;
      wake?.();
    };
    const others = this.subscriptions.get(importId) ?? new Set();
    this.subscriptions.set(importId, others.add(told));
    return {
      wait: async (timeoutMs, signal) => {
        if (!isTold && !signal.aborted)
          await new Promise<void>((resolve) => {
            const timer = setTimeout(done, timeoutMs);
            signal.addEventListener('abort', done, { once: true });
            wake = done;
            function done() {
              clearTimeout(timer);
              signal.removeEventListener('abort', done);
              wake = undefined;
              resolve();
            }
          });
        const was = isTold;
        isTold = false;
        return was && !signal.aborted;
      },
      end: () => {
        others.delete(told);
        if (others.size === 0 && this.subscriptions.get(importId) === others)
          this.subscriptions.delete(importId);
      },
    };
  }

  private tell(importId: string): void {
    for (const told of this.subscriptions.get(importId) ?? []) told();
  }

  private tellAll(): void {
    for (const importId of this.subscriptions.keys()) this.tell(importId);
  }
}
