import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { NotAuthenticated } from '../problems/errors.js';
import type { Account } from './account.js';
import type { SignIn } from './sign-in/sign.in.js';

/** Metadata: how a route is opened; see {@link Public}, {@link AnyAccount} and `@Requires` in authz. */
export const ACCESS = 'radgate:access';
/** `public`, `account`, or the rights of which one is needed. */
export type Access = 'public' | 'account' | readonly string[];

/** A route for everybody: sign-in, keys, health. */
export const Public = () => SetMetadata<string, Access>(ACCESS, 'public');

/** A route for any account that is known and not disabled. */
export const AnyAccount = () => SetMetadata<string, Access>(ACCESS, 'account');

/** The account behind the request: `@Who() account: Account`. */
export const Who = createParamDecorator((_: unknown, context: ExecutionContext): Account => {
  const { account } = context.switchToHttp().getRequest<FastifyRequest>();
  if (account === undefined) throw new NotAuthenticated();
  return account;
});

/** How the account signed in: `@CurrentSignIn() signIn: SignIn`. */
export const CurrentSignIn = createParamDecorator((_: unknown, context: ExecutionContext): SignIn => {
  const { signIn } = context.switchToHttp().getRequest<FastifyRequest>();
  if (signIn === undefined) throw new NotAuthenticated();
  return signIn;
});
