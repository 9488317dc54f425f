import {
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  SetMetadata,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ACCESS, type Access, RECENT } from '../authn/access.decorators.js';
import { NotAuthenticated, RightMissing } from '../problems/errors.js';
import { Policies } from './policies.service.js';
import { holds, type Policy } from './policy.js';
import { Right } from './rights.js';
import { RunningRequests } from './running.requests.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The policy of the account. The guard sets it for every route that declares a right. */
    policy?: Policy;
  }
}

/** Declares that a route needs one of these rights, in any scope. The scope is checked later for each study. */
export const Requires = (...rights: readonly [Right, ...Right[]]) =>
  SetMetadata<string, Access>(ACCESS, rights);

/** The policy of the account of the request, for a parameter: `@May() policy: Policy`. */
export const May = createParamDecorator((_: unknown, context: ExecutionContext): Policy => {
  const { policy } = context.switchToHttp().getRequest<FastifyRequest>();
  if (policy === undefined) throw new RightMissing();
  return policy;
});

/**
 * Accepts a request if the route is public, if the route is for every account and the sender has signed in, or if the account has one of
 * the rights that the route declares. Rejects every request to a route without a declaration.
 */
@Injectable()
export class AuthzGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly policies: Policies,
    private readonly running: RunningRequests,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (access === 'public') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { account, signIn } = request;
    if (account === undefined || signIn === undefined) throw new NotAuthenticated();
    if (access === undefined) throw new RightMissing();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    if (access === 'account') {
      this.running.add(request, reply, signIn, access);
      return true;
    }
    const mayBeRecent = this.reflector.getAllAndOverride<boolean | undefined>(RECENT, [
      context.getHandler(),
      context.getClass(),
    ]);
    const policy = await (mayBeRecent === true ? this.policies.recent(account) : this.policies.of(account));
    if (!access.some((right) => holds(policy, Right.parse(right)))) throw new RightMissing();
    request.policy = policy;
    this.running.add(request, reply, signIn, access);
    return true;
  }
}
