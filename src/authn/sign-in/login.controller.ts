import { Body, Controller, Header, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Gives } from '../../http/response.shape.js';
import { Audited, AuditedAction, AuditedActions } from '../../audit/audited.actions.js';
import { NotAuthenticated } from '../../problems/errors.js';
import { AnyAccount, Public } from '../access.decorators.js';
import { ACCESS_TOKEN_SECONDS, AccessTokens } from '../tokens/access.tokens.js';
import { BodyOf } from '../../http/body.pipe.js';
import { actorOf, callerOf } from '../actor.js';
import { challenge } from '../challenge.js';
import { Logins, PasswordChange } from './login.service.js';
import { ClaimedPassword } from './passwords.service.js';
import { RefreshTokens } from '../tokens/refresh.tokens.js';
import { SessionCookies } from './session.cookies.js';
import { SESSION_SECONDS, SignIns } from './sign.ins.js';

const Login = z.strictObject({
  username: z.string().trim().min(1).max(256),
  password: ClaimedPassword,
  session: z.boolean().default(false),
});
type Login = z.output<typeof Login>;

const Refresh = z.strictObject({ refresh_token: z.string().min(1).max(256) });
type Refresh = z.output<typeof Refresh>;

const Logout = z
  .strictObject({ refresh_token: z.string().max(256).optional() })
  .nullish()
  .transform((body) => body ?? {});
type Logout = z.output<typeof Logout>;

/** RFC 6749 §5.1. */
const TokenPair = z.object({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.int(),
  refresh_token: z.string(),
});
type TokenPair = z.output<typeof TokenPair>;
const Opened = z.object({ expires_in: z.int() });

@Controller('api')
export class LoginController {
  constructor(
    private readonly logins: Logins,
    private readonly tokens: AccessTokens,
    private readonly refreshTokens: RefreshTokens,
    private readonly signIns: SignIns,
    private readonly cookies: SessionCookies,
    private readonly auditedActions: AuditedActions,
  ) {}

  /** Signs a person in: a pair of tokens, or with `session: true` the two cookies and how long (seconds) they live unused. 401 for unknown, disabled and wrong alike, 429 after repeated failures. */
  @Post('auth/login')
  @Gives(z.union([TokenPair, Opened]))
  @Public()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async login(
    @Body(new BodyOf(Login)) { username, password, session }: Login,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenPair | z.output<typeof Opened>> {
    if (session) this.cookies.refuseForeign(request);
    const person = await challenged(request, reply, this.logins.prove(username, password, request.address));
    request.actor = actorOf(request, { ...person, via: 'password' });
    if (!session) {
      const started = this.refreshTokens.start(person, callerOf(request));
      const family = await challenged(request, reply, started);
      return this.pair({ ...family, accountId: person.id, patientId: person.patientId });
    }
    const earlier = this.cookies.read(request);
    if (earlier !== undefined) await this.signIns.endSession(earlier);
    const opened = this.signIns.openSession(person, callerOf(request));
    this.cookies.set(reply, await challenged(request, reply, opened));
    return { expires_in: SESSION_SECONDS };
  }

  /** A new pair for a refresh token, which works once; the same again within ten seconds, later the family ends (401). */
  @Post('auth/refresh')
  @Gives(TokenPair)
  @Public()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async refresh(
    @Body(new BodyOf(Refresh)) { refresh_token }: Refresh,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenPair> {
    const refreshed = await challenged(request, reply, this.refreshTokens.rotate(refresh_token, request));
    request.actor = actorOf(request, { id: refreshed.accountId, name: refreshed.name, via: 'refresh token' });
    return this.pair(refreshed);
  }

  /** Ends the session, or the family of the access token; also that of a `refresh_token` of the same account. */
  @Post('auth/logout')
  @AnyAccount()
  @HttpCode(204)
  async logout(
    @Audited() action: AuditedAction,
    @Body(new BodyOf(Logout)) { refresh_token }: Logout,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { signIn } = request;
    if (signIn === undefined) throw new NotAuthenticated();
    await this.auditedActions.record(action, 204, async (transaction) => {
      await this.signIns.end(signIn, transaction);
      if (refresh_token !== undefined)
        await this.refreshTokens.end(refresh_token, signIn.account.id, transaction);
    });
    if (signIn.ends.kind === 'session') this.cookies.clear(reply);
  }

  /** Changes the caller's own password and ends their other sessions and tokens. 422 on a wrong, short or common one. */
  @Post('me/password')
  @AnyAccount()
  @HttpCode(204)
  async changePassword(
    @Audited() action: AuditedAction,
    @Body(new BodyOf(PasswordChange)) body: PasswordChange,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    const { signIn } = request;
    if (signIn === undefined) throw new NotAuthenticated();
    await this.logins.change(action, signIn, body, request.address);
  }

  private async pair(of: {
    accountId: string;
    familyId: string;
    patientId: string | undefined;
    refreshToken: string;
  }): Promise<TokenPair> {
    return {
      access_token: await this.tokens.sign(of.accountId, of.familyId, of.patientId),
      token_type: 'Bearer',
      expires_in: ACCESS_TOKEN_SECONDS,
      refresh_token: of.refreshToken,
    };
  }
}

async function challenged<T>(request: FastifyRequest, reply: FastifyReply, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof NotAuthenticated) challenge(request, reply);
    throw error;
  }
}
