import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { callerOf } from '../actor.js';
import { type TokenPair, TokenPairs } from '../tokens/token.pairs.js';
import type { OpenedSession } from './login.bodies.js';
import { Logins, type Person } from './login.service.js';
import { SessionCookies } from './session.cookies.js';
import { SESSION_SECONDS, SignIns } from './sign.ins.js';

/** Starts the sign-in of a person whose identity is proved. */
@Injectable()
export class SignInStarter {
  constructor(
    private readonly logins: Logins,
    private readonly pairs: TokenPairs,
    private readonly signIns: SignIns,
    private readonly cookies: SessionCookies,
  ) {}

  /**
   * Returns a pair of tokens, or opens a session and sets its cookies. Throws NotAuthenticated when the account has changed since the check
   * of the password, or another sign-in has used the second factor.
   */
  async start(
    person: Person,
    session: boolean,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<TokenPair | OpenedSession> {
    const opened = session
      ? await this.openSession(person, request, reply)
      : await this.pairs.start(person, callerOf(request));
    await this.logins.succeeded(person.name, request.address);
    return opened;
  }

  private async openSession(
    person: Person,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<OpenedSession> {
    const token = await this.signIns.replaceSession(this.cookies.read(request), person, callerOf(request));
    this.cookies.set(reply, token);
    return { expires_in: SESSION_SECONDS };
  }
}
