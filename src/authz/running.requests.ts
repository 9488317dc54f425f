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
import { Policies } from './policies.service.js';
import { hasLostGrants, type Policy } from './policy.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** How to check whether a policy still allows this response. The service that selects the studies of the response sets this check. */
    rightsCheck?: RightsCheck;
  }
}

type Facts = Pick<Account, 'id' | 'patient'>;

/** A check of a running response against a policy. Checks of one account with equal subjects have the same result, so one of them runs. */
export interface RightsCheck {
  readonly subject: string;
  readonly mayContinue: (policy: Policy) => Promise<boolean>;
}

interface Running {
  readonly reply: FastifyReply;
  readonly signIn: SignIn;
  readonly access: Access;
  readonly since: number;
  /** The start of the last check that confirmed the rights of this request. */
  confirmedAt: number;
}

type LongRequest = readonly [FastifyRequest, Running];

const CHECK_MS = 2_000;
/** Only requests that run longer than this are checked. A short request that ends its own sign-in can therefore still send its response. */
const LONG_MS = 1_000;
/** The time that confirmed rights are valid if the database does not answer. */
const RIGHTS_VALID_MS = 5_000;
/** The minimum time that each check gets, even if the process was suspended before the check. */
const LEAST_CHECK_MS = 2_000;
/** How often requests without valid rights are disconnected. */
const EXPIRY_MS = 250;
/** The number of rights that a check reads at the same time. The other database connections remain free for requests. */
const CONCURRENT_CHECKS = 4;

/**
 * Checks long-running responses and uploads against the current rights. The checks run every two seconds, and after each change of rights
 * on any gateway (LISTEN/NOTIFY). If a request is no longer allowed, its connection is closed. The client then knows that the response is
 * incomplete.
 */
@Injectable()
export class RunningRequests implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly running = new Map<FastifyRequest, Running>();
  private readonly logger = new Logger('authz');
  private timers: NodeJS.Timeout[] = [];
  private checking: Promise<void> | undefined;
  private checkAgain = false;
  /** The start of the last check, and whether that check failed. */
  private startedAt = performance.now();
  private hasFailed = false;

  constructor(
    @Inject(POSTGRES) private readonly sql: postgres.Sql,
    private readonly activeSignIns: ActiveSignIns,
    private readonly policies: Policies,
  ) {}

  onApplicationBootstrap(): void {
    this.timers = [
      setInterval(() => this.check(), CHECK_MS).unref(),
      setInterval(() => this.disconnectUnconfirmed(), EXPIRY_MS).unref(),
    ];
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
    for (const timer of this.timers) clearInterval(timer);
  }

  /** Registers a request for the checks, from its authorization until its connection closes. */
  add(request: FastifyRequest, reply: FastifyReply, signIn: SignIn, access: Access): void {
    // If the client disconnected while the guards ran, no `close` event follows.
    if (reply.raw.destroyed || request.raw.socket.destroyed) return;
    const now = performance.now();
    this.running.set(request, { reply, signIn, access, since: now, confirmedAt: now });
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
    this.startedAt = startedAt;
    const long = [...this.running].filter(([, { since }]) => startedAt - since >= LONG_MS);
    // If the database is slow, the requests that have waited longest for a confirmation come first.
    long.sort(([, one], [, other]) => one.confirmedAt - other.confirmedAt);
    try {
      if (long.length > 0) await this.confirm(long, startedAt);
      this.hasFailed = false;
    } catch (error) {
      this.hasFailed = true;
      this.logger.warn(`rights cannot be read: ${error instanceof Error ? error.name : 'error'}`);
    }
  }

  /** Confirms the requests that are still allowed, and disconnects the others. Throws when the database fails. */
  private async confirm(long: readonly LongRequest[], startedAt: number): Promise<void> {
    const accounts = await this.activeSignIns.among(long.map(([, { signIn }]) => signIn));
    const policyOf = once(
      (account: Facts) => this.policies.of(account),
      ({ id }) => id,
    );
    const passes = once(
      async ({ account, check }: { account: Facts; check: RightsCheck }) =>
        check.mayContinue(await policyOf(account)),
      ({ account, check }) => `${account.id} ${check.subject}`,
    );
    const isAllowed = async ([request, { signIn, access }]: LongRequest) => {
      const account = accounts.get(signIn);
      if (account === undefined) return false;
      if (access === 'public' || access === 'account') return true;
      if (request.rightsCheck !== undefined) return passes({ account, check: request.rightsCheck });
      // Without its own check, the account must still have every grant that the request may have used.
      return request.policy !== undefined && !hasLostGrants(await policyOf(account), request.policy, access);
    };
    const waiting = long.values();
    const work = async () => {
      for (const each of waiting) {
        if (await isAllowed(each)) each[1].confirmedAt = Math.max(each[1].confirmedAt, startedAt);
        else this.disconnect(...each);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT_CHECKS }, work));
  }

  /** Disconnects the requests whose rights were confirmed too long ago, because checks fail or get no answer. */
  private disconnectUnconfirmed(): void {
    const now = performance.now();
    const isHanging = this.checking !== undefined && now - this.startedAt >= LEAST_CHECK_MS;
    if (!isHanging && !this.hasFailed) return;
    for (const [request, running] of this.running)
      if (now - running.confirmedAt >= RIGHTS_VALID_MS) this.disconnect(request, running);
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

/** A function that calls `work` once for all inputs with the same key, and returns that result for each of them. */
function once<Input, Result>(
  work: (input: Input) => Promise<Result>,
  keyOf: (input: Input) => string,
): (input: Input) => Promise<Result> {
  const results = new Map<string, Promise<Result>>();
  return (input) => {
    const key = keyOf(input);
    const result = results.get(key) ?? work(input);
    results.set(key, result);
    return result;
  };
}
