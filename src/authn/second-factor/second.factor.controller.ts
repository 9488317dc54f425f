import { Body, Controller, Header, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BodyOf } from '../../http/body.pipe.js';
import { Gives } from '../../http/response.shape.js';
import { Public } from '../access.decorators.js';
import { actorOf } from '../actor.js';
import { SessionCookies } from '../sign-in/session.cookies.js';
import { SignInStarter } from '../sign-in/sign.in.starter.js';
import { CompletedSignIn, FactorEnrolment, SecondFactorProof, SignInEnrolment } from './factor.bodies.js';
import { SecondFactors } from './second.factors.js';

/** The second step of a sign-in with a password. */
@Controller('api/auth/second-factor')
@Public()
export class SecondFactorController {
  constructor(
    private readonly secondFactors: SecondFactors,
    private readonly starter: SignInStarter,
    private readonly cookies: SessionCookies,
  ) {}

  /**
   * Completes a sign-in with a second factor: the code of an authenticator app, a recovery code, or a passkey. `challenge` comes from the
   * problem `second_factor_required` of the login. Returns what the login would return without a second factor. A sign-in that enrolled the
   * first factor also returns recovery codes. Returns 401 with the same response for every wrong factor, and `challenge-ended` if the
   * challenge was used, is older than five minutes or had five attempts. Returns 429 after repeated failures.
   */
  @Post()
  @Gives(CompletedSignIn)
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async complete(
    @Body(new BodyOf(SecondFactorProof)) proof: SecondFactorProof,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CompletedSignIn> {
    const open = await this.secondFactors.open(proof.challenge);
    // The password was right, so the audit names the account also if the factor is wrong.
    request.actor = actorOf(request, { ...open.person, via: 'password' });
    if (open.session) this.cookies.refuseForeign(request);
    const { person, session, made } = await this.secondFactors.prove(open, proof, request.address);
    request.actor = actorOf(request, { ...person, via: 'second factor' });
    const opened = await this.starter.start(person, session, request, reply);
    return { ...opened, ...(made.codes !== undefined && { recovery_codes: made.codes }) };
  }

  /**
   * Begins the enrolment of the first second factor, when the login answered `second_factor_required` with `enrol: true`. The sign-in is
   * then completed with a code of this factor. Returns 401 if the challenge has ended or the account has a factor.
   */
  @Post('enrolment')
  @Gives(FactorEnrolment)
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  enrol(
    @Body(new BodyOf(SignInEnrolment)) body: SignInEnrolment,
    @Req() request: FastifyRequest,
  ): Promise<FactorEnrolment> {
    return this.secondFactors.enrol(body, request.address);
  }
}
