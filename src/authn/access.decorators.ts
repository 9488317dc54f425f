import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { NotAuthenticated } from '../problems/errors.js';
import type { Account } from './account.js';
import type { SignIn } from './sign-in/sign.in.js';

/** The metadata key for the access to a route. {@link Public}, {@link AnyAccount} and `@Requires` (in authz) set the metadata. */
export const ACCESS = 'radgate:access';
/** The access to a route: `public`, `account` (any account), or a list of rights. The account needs one of these rights. */
export type Access = 'public' | 'account' | readonly string[];

/** Declares a route without authentication, for example for sign-in, public keys or health. */
export const Public = () => SetMetadata<string, Access>(ACCESS, 'public');

/** Declares a route for every account that is not disabled. */
export const AnyAccount = () => SetMetadata<string, Access>(ACCESS, 'account');

/** The metadata key of {@link UsesRecentDecisions}. */
export const RECENT = 'radgate:recent';

/**
 * Declares routes whose sign-in and policy may come from the memory of the gateway, if they were read in the last four seconds and have not
 * changed since. Only for routes that search or read images. All other routes read the database for
 * each request.
 */
export const UsesRecentDecisions = () => SetMetadata<string, boolean>(RECENT, true);

/** The account of the request, for a parameter: `@Who() account: Account`. */
export const Who = createParamDecorator((_: unknown, context: ExecutionContext): Account => {
  const { account } = context.switchToHttp().getRequest<FastifyRequest>();
  if (account === undefined) throw new NotAuthenticated();
  return account;
});

/** The sign-in of the request, for a parameter: `@CurrentSignIn() signIn: SignIn`. */
export const CurrentSignIn = createParamDecorator((_: unknown, context: ExecutionContext): SignIn => {
  const { signIn } = context.switchToHttp().getRequest<FastifyRequest>();
  if (signIn === undefined) throw new NotAuthenticated();
  return signIn;
});
