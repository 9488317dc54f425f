import { setTimeout as sleep } from 'node:timers/promises';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type postgres from 'postgres';
import type { Access } from '../authn/access.decorators.js';
import type { Account } from '../authn/account.js';
import { ActiveSignIns } from '../authn/sign-in/active.sign.ins.js';
import type { SignIn } from '../authn/sign-in/sign.in.js';
import { POSTGRES } from '../database/database.module.js';
import { NeighbourAway } from '../problems/errors.js';
import { Policies } from './policies.service.js';
import { hasLostGrants, type Policy } from './policy.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether a policy still allows this response. The service that selects the studies of the response sets this function. */
    stillMay?: (policy: Policy) => Promise<boolean>;
  }
}

interface Running {
  readonly reply: FastifyReply;
  readonly signIn: SignIn;
  readonly access: Access;
  readonly since: number;
}

const CHECK_MS = 2_000;
/** Only requests that run longer than this are checked. A short request that ends its own sign-in can therefore still send its response. */
const LONG_MS = 1_000;
/** The time that the last known rights are valid if the database does not answer. */
const RIGHTS_VALID_MS = 5_000;
/** The minimum time that each check gets, even if the process was suspended before the check. */
const LEAST_CHECK_MS = 2_000;

/**
 * Checks long-running responses and uploads against the current rights. The checks run every two seconds, and after each change of rights
 * on any gateway (LISTEN/NOTIFY). If a request is no longer allowed, its connection is closed. The client then knows that the response is
 * incomplete.
 */
@Injectable()
export class RunningRequests implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly running = new Map<FastifyRequest, Running>();
  private readonly logger = new Logger('authz');
  private timer: NodeJS.Timeout | undefined;
  private checking: Promise<void> | undefined;
  private knownAt = performance.now();
  private checkAgain = false;
  /** A check that missed its deadline. The property is set until the database answers this check. */
  private hanging: Promise<unknown> | undefined;

  constructor(
    @Inject(POSTGRES) private readonly sql: postgres.Sql,
    private readonly activeSignIns: ActiveSignIns,
    private readonly policies: Policies,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.check(), CHECK_MS).unref();
    // After a lost connection, the driver executes LISTEN again and calls the third argument.
    this.sql
      .listen(
        'access_changed',
        () => this.check(),
        () => this.check(),
      )
      .catch(() =>
        this.logger.warn('cannot listen for changes of rights: they take effect after two seconds'),
      );
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** Registers a request for the checks, from its authorization until its connection closes. */
  add(request: FastifyRequest, reply: FastifyReply, signIn: SignIn, access: Access): void {
    // If the client disconnected while the guards ran, no `close` event follows.
    if (reply.raw.destroyed || request.raw.socket.destroyed) return;
    this.running.set(request, { reply, signIn, access, since: performance.now() });
    reply.raw.once('close', () => this.running.delete(request));
  }

  /** Starts a check. Only one check runs at a time. If this method is called during a check, another check follows. */
  private check(): void {
    if (this.checking !== undefined) {
      this.checkAgain = true;
      return;
    }
    this.checking = this.checkAll().finally(() => {
      this.checking = undefined;
      if (!this.checkAgain) return;
      this.checkAgain = false;
      this.check();
    });
  }

  private async checkAll(): Promise<void> {
    const startedAt = performance.now();
    const long = [...this.running].filter(([, { since }]) => startedAt - since >= LONG_MS);
    try {
      if (long.length > 0) await this.disconnectInTime(long);
      this.knownAt = startedAt;
    } catch (error) {
      if (performance.now() - this.knownAt < RIGHTS_VALID_MS) return;
      this.logger.warn(`rights cannot be read: ${error instanceof Error ? error.name : 'error'}`);
      for (const [request, running] of long) this.disconnect(request, running);
    }
  }

  /**
   * Disconnects the requests that are no longer allowed. Throws when the database fails, or does not answer before the last known rights
   * expire. While an earlier check has no answer, no new check starts.
   */
  private async disconnectInTime(long: readonly (readonly [FastifyRequest, Running])[]): Promise<void> {
    if (this.hanging !== undefined) throw new NeighbourAway('postgres');
    const check = this.disconnectRefused(long);
    const valid = this.knownAt + RIGHTS_VALID_MS - performance.now();
    const late = new AbortController();
    const deadline = sleep(Math.max(valid, LEAST_CHECK_MS), 'late', { signal: late.signal });
    const first = await Promise.race([check, deadline]).finally(() => late.abort());
    if (first !== 'late') return;
    const over = () => (this.hanging = undefined);
    this.hanging = check.then(over, over);
    throw new NeighbourAway('postgres');
  }

  private async disconnectRefused(long: readonly (readonly [FastifyRequest, Running])[]): Promise<void> {
    const accounts = await this.activeSignIns.among(long.map(([, { signIn }]) => signIn));
    const policies = new Map<string, Promise<Policy>>();
    const policyOf = (account: Pick<Account, 'id' | 'patient'>) => {
      const known = policies.get(account.id) ?? this.policies.of(account);
      policies.set(account.id, known);
      return known;
    };
    for (const [request, running] of long) {
      const account = accounts.get(running.signIn);
      if (account === undefined || !(await isAllowed(request, running, () => policyOf(account))))
        this.disconnect(request, running);
    }
  }

  private disconnect(request: FastifyRequest, { reply, signIn }: Running): void {
    if (!this.running.delete(request) || reply.raw.writableFinished) return;
    this.logger.log({
      event: 'disconnected: no longer allowed',
      request_id: request.id,
      account: signIn.account.id,
      route: request.routeOptions.url ?? 'unknown',
    });
    request.raw.destroy();
    reply.raw.destroy();
  }
}

async function isAllowed(
  request: FastifyRequest,
  { access }: Running,
  policyOf: () => Promise<Policy>,
): Promise<boolean> {
  if (access === 'public' || access === 'account') return true;
  const policy = await policyOf();
  if (request.stillMay !== undefined) return request.stillMay(policy);
  // Without `stillMay`, the account must still have every grant that the request may have used.
  return request.policy !== undefined && !hasLostGrants(policy, request.policy, access);
}
