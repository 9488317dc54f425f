import { Body, Controller, Header, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Audited, AuditedAction } from '../../audit/audited.actions.js';
import { BodyOf } from '../../http/body.pipe.js';
import { Gives } from '../../http/response.shape.js';
import { AnyAccount, CurrentSignIn, Public } from '../access.decorators.js';
import { actorOf, requesterOf } from '../actor.js';
import { SecondFactors } from '../second-factor/second.factors.js';
import { TokenPair, TokenPairs } from '../tokens/token.pairs.js';
import { Login, Logout, OpenedSession, PasswordChange, Refresh } from './login.bodies.js';
import { Logins } from './login.service.js';
import { SessionCookies } from './session.cookies.js';
import type { SignIn } from './sign.in.js';
import { SignInStarter } from './sign.in.starter.js';

@Controller('api')
export class LoginController {
  constructor(
    private readonly logins: Logins,
    private readonly pairs: TokenPairs,
    private readonly secondFactors: SecondFactors,
    private readonly starter: SignInStarter,
    private readonly cookies: SessionCookies,
  ) {}

  /**
   * Signs a person in. Returns a pair of tokens. With `session: true`, returns two cookies and the number of seconds until an unused
   * session ends. Returns 401 with the same response for an unknown account, a disabled account and a wrong password. Returns 401 with
   * `code: second_factor_required` and a `challenge` if the password is right and the account needs a second factor. Returns 429 after
   * repeated failures.
   */
  @Post('auth/login')
  @Gives(z.union([TokenPair, OpenedSession]))
  @Public()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async login(
    @Body(new BodyOf(Login)) { username, password, session }: Login,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenPair | OpenedSession> {
    if (session) this.cookies.refuseForeign(request);
    const person = await this.logins.prove(username, password, request.address);
    request.actor = actorOf(request, { ...person, via: 'password' });
    await this.secondFactors.demand(person, session);
    return this.starter.start(person, session, request, reply);
  }

  /**
   * Exchanges a refresh token for a new pair of tokens. Each refresh token works once. If the request is repeated within ten seconds, both
   * responses have the same new refresh token. A later repetition ends the token family and returns 401.
   */
  @Post('auth/refresh')
  @Gives(TokenPair)
  @Public()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async refresh(
    @Body(new BodyOf(Refresh)) { refresh_token }: Refresh,
    @Req() request: FastifyRequest,
  ): Promise<TokenPair> {
    const { pair, account } = await this.pairs.refresh(refresh_token, requesterOf(request));
    request.actor = actorOf(request, { ...account, via: 'refresh token' });
    return pair;
  }

  /**
   * Ends the session, or the token family of the access token. If the body has a `refresh_token` of the same account, the token family of
   * this token ends too.
   */
  @Post('auth/logout')
  @AnyAccount()
  @HttpCode(204)
  async logout(
    @Audited() action: AuditedAction,
    @CurrentSignIn() signIn: SignIn,
    @Body(new BodyOf(Logout)) { refresh_token }: Logout,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.logins.end(action, signIn, refresh_token);
    if (signIn.ends.kind === 'session') this.cookies.clear(reply);
  }

  /**
   * Changes the password of the caller and ends all other sessions and tokens of the caller. Returns 422 when the current password is
   * wrong, or the new password is too short or common.
   */
  @Post('me/password')
  @AnyAccount()
  @HttpCode(204)
  changePassword(
    @Audited() action: AuditedAction,
    @CurrentSignIn() signIn: SignIn,
    @Body(new BodyOf(PasswordChange)) body: PasswordChange,
    @Req() { address }: FastifyRequest,
  ): Promise<void> {
    return this.logins.changePassword(action, signIn, body, address);
  }
}
