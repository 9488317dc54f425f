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
/**
 * The interval at which all subscribers are notified. A firewall can drop the LISTEN connection, and TCP detects the loss only after
 * minutes.
 */
const WAKE_ALL_MS = 60_000;

/** A subscription to the events of one import. */
interface ImportSubscription {
  /**
   * Waits for a new event and returns true. Returns true immediately if an event was added since the last wait. Returns false after
   * `timeoutMs`, or when `signal` is aborted.
   */
  wait: (timeoutMs: number, signal: AbortSignal) => Promise<boolean>;
  end: () => void;
}

/**
 * Notifies the subscribers in this process about new events of imports. PostgreSQL sends the notifications over one LISTEN connection.
 * After a lost connection, and once a minute, all subscribers are notified, because PostgreSQL does not repeat notifications.
 */
@Injectable()
export class ImportNotifications implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly subscriptions = new Map<string, Set<() => void>>();
  private readonly logger = new Logger('imports');
  private timer: NodeJS.Timeout | undefined;

  constructor(@Inject(POSTGRES) private readonly sql: postgres.Sql) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.notifyAll(), WAKE_ALL_MS).unref();
    // After a lost connection, the driver executes LISTEN again and calls the third argument.
    this.sql
      .listen(
        CHANNEL,
        (importId) => this.notify(importId),
        () => this.notifyAll(),
      )
      .catch(() =>
        this.logger.warn(
          'LISTEN failed: clients receive the progress of imports once a minute until it succeeds',
        ),
      );
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** Subscribes to the events of an import. The caller must call `end` when it no longer needs the subscription. */
  subscribe(importId: string): ImportSubscription {
    let hasNews = false;
    let wake: (() => void) | undefined;
    const notify = () => {
      hasNews = true;
      wake?.();
    };
    const subscribers = this.subscriptions.get(importId) ?? new Set();
    this.subscriptions.set(importId, subscribers.add(notify));
    return {
      wait: async (timeoutMs, signal) => {
        if (!hasNews && !signal.aborted)
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
        const had = hasNews;
        hasNews = false;
        return had && !signal.aborted;
      },
      end: () => {
        subscribers.delete(notify);
        if (subscribers.size === 0 && this.subscriptions.get(importId) === subscribers)
          this.subscriptions.delete(importId);
      },
    };
  }

  private notify(importId: string): void {
    for (const notify of this.subscriptions.get(importId) ?? []) notify();
  }

  private notifyAll(): void {
    for (const importId of this.subscriptions.keys()) this.notify(importId);
  }
}
