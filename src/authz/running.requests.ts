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
    /** Whether what is being answered is still allowed by the account's policy as it is now; set by whoever knows what that is. */
    stillMay?: (policy: Policy) => Promise<boolean>;
  }
}

interface Running {
  readonly reply: FastifyReply;
  readonly signIn: SignIn;
  readonly access: Access;
  readonly since: number;
}

const EVERY_MS = 2_000;
/** Shorter ones are over before it matters, and one that ends its own sign-in must be able to say so. */
const LONG_MS = 1_000;
/** So long a gateway goes on by what it knew when the database does not answer; then it knows nothing. */
const UNKNOWN_MS = 5_000;

/**
 * Answers and uploads that take long are held against the rights of now: when any gateway changes who may do what (LISTEN/NOTIFY), and
 * every two seconds in any case. One that is no longer allowed loses its connection, so that nobody takes the part for the whole.
 */
@Injectable()
export class RunningRequests implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly running = new Map<FastifyRequest, Running>();
  private readonly logger = new Logger('authz');
  private timer: NodeJS.Timeout | undefined;
  private checking: Promise<void> | undefined;
  private knownAt = performance.now();
  private checkAgain = false;

  constructor(
    @Inject(POSTGRES) private readonly sql: postgres.Sql,
    private readonly activeSignIns: ActiveSignIns,
    private readonly policies: Policies,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.check(), EVERY_MS).unref();
    // The driver listens again by itself when its connection was lost, and calls the third argument then.
    this.sql
      .listen(
        'access_changed',
        () => this.check(),
        () => this.check(),
      )
      .catch(() => this.logger.warn('changes of rights are not heard of at once, only every two seconds'));
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** Watches a request from the moment it was let in until its connection has its answer. */
  add(request: FastifyRequest, reply: FastifyReply, signIn: SignIn, access: Access): void {
    // Who left while the guards asked is not told of again.
    if (reply.raw.destroyed || request.raw.socket.destroyed) return;
    this.running.set(request, { reply, signIn, access, since: performance.now() });
    reply.raw.once('close', () => this.running.delete(request));
  }

  /** One at a time; a change heard of meanwhile is looked at right after. */
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
      if (long.length > 0) await this.disconnectRefused(long);
      this.knownAt = startedAt;
    } catch (error) {
      if (performance.now() - this.knownAt < UNKNOWN_MS) return;
      this.logger.warn(`rights cannot be read: ${error instanceof Error ? error.name : 'error'}`);
      for (const [request, running] of long) this.disconnect(request, running);
    }
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
      event: 'cut: no longer allowed',
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
  // Of a request that does not say what it is about, every grant it may have used must still be there.
  return request.policy !== undefined && !hasLostGrants(policy, request.policy, access);
}
