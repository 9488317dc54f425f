import { Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import type postgres from 'postgres';

/**
 * A change of the access of accounts, or of one study. `everything`: anything may have changed, because a request may have changed it, or
 * because notifications were missed.
 */
export type Change =
  | { readonly of: 'access' }
  | { readonly of: 'everything'; readonly reason: 'request' | 'missed' }
  | { readonly of: 'study'; readonly studyUid: string; readonly kind: 'grown' | 'replaced' };

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Time in milliseconds in which new instances are collected. One statement then notifies the other gateways of all studies. */
const COLLECT_MS = 50;

/**
 * Tells the memory of this gateway about changes in the database. A change made by any gateway arrives as a notification of PostgreSQL
 * (migration 0079). A change made by a request to this gateway is told before the request is answered, so that the client's next request
 * already sees it.
 */
export class Changes implements OnModuleInit, OnApplicationBootstrap {
  private readonly listeners: ((change: Change) => void)[] = [];
  private readonly grown = new Set<string>();
  private readonly logger = new Logger('database');

  constructor(
    private readonly sql: postgres.Sql,
    private readonly adapter: HttpAdapterHost,
  ) {}

  onModuleInit(): void {
    const server: FastifyInstance = this.adapter.httpAdapter.getInstance();
    server.addHook('onSend', (request, _reply, payload, done) => {
      if (!SAFE.has(request.method)) this.tell({ of: 'everything', reason: 'request' });
      done(null, payload);
    });
  }

  onApplicationBootstrap(): void {
    this.listen('access_changed', () => this.tell({ of: 'access' }));
    this.listen('study_grown', (studyUid) => this.tell({ of: 'study', studyUid, kind: 'grown' }));
    this.listen('study_replaced', (studyUid) => this.tell({ of: 'study', studyUid, kind: 'replaced' }));
  }

  /** Calls `listener` after each change. The listener must be fast and must not throw. */
  on(listener: (change: Change) => void): void {
    this.listeners.push(listener);
  }

  /**
   * Tells this gateway and soon all others that a study has new instances. Must be called after the commit that added them. If the process
   * ends before the notification, the others see the instances when their memory of the study expires, after at most four seconds.
   */
  studyHasGrown(studyUid: string): void {
    this.tell({ of: 'study', studyUid, kind: 'grown' });
    if (this.grown.size === 0) setTimeout(() => void this.notifyGrowth(), COLLECT_MS).unref();
    this.grown.add(studyUid);
  }

  private async notifyGrowth(): Promise<void> {
    const studies = [...this.grown];
    this.grown.clear();
    await this.sql`select pg_notify('study_grown', study) from unnest(${studies}::text[]) as study`.catch(
      () => this.logger.debug('other gateways could not be notified of new instances'),
    );
  }

  private listen(channel: string, heard: (payload: string) => void): void {
    // After a lost connection, the driver listens again and calls the third argument. Notifications may have been missed until then.
    this.sql
      .listen(channel, heard, () => this.tell({ of: 'everything', reason: 'missed' }))
      .catch(() => this.logger.warn(`cannot listen on ${channel}: changes take effect after four seconds`));
  }

  private tell(change: Change): void {
    for (const listener of this.listeners) listener(change);
  }
}
