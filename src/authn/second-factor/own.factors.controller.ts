import { Body, Controller, Get, Header, HttpCode, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Audited, AuditedAction } from '../../audit/audited.actions.js';
import { BodyOf, IdPipe } from '../../http/body.pipe.js';
import { Gives } from '../../http/response.shape.js';
import { AnyAccount, CurrentSignIn } from '../access.decorators.js';
import type { SignIn } from '../sign-in/sign.in.js';
import {
  ConfirmedFactor,
  FactorConfirmation,
  FactorEnrolment,
  Factors,
  NewFactor,
  PasswordAgain,
  RecoveryCodes,
} from './factor.bodies.js';
import { OwnFactors } from './own.factors.js';

/** The caller's own second factors. */
@Controller('api/me')
@AnyAccount()
export class OwnFactorsController {
  constructor(private readonly factors: OwnFactors) {}

  /** Lists the second factors of the caller, oldest first. Also says how many recovery codes are left, and whether a group requires a factor. */
  @Get('second-factors')
  @Gives(Factors)
  @Header('cache-control', 'no-store')
  list(@CurrentSignIn() { account }: SignIn): Promise<Factors> {
    return this.factors.list(account.id);
  }

  /**
   * Begins the enrolment of an authenticator app or a passkey. The secret of an app is shown only in this response. The factor counts when
   * it is confirmed, within ten minutes. Returns 409 when the account has ten factors, 422 when the password is wrong, and 503 when the
   * public address of the service allows no passkeys.
   */
  @Post('second-factors')
  @Gives(FactorEnrolment)
  @Header('cache-control', 'no-store')
  begin(
    @Audited() action: AuditedAction,
    @CurrentSignIn() signIn: SignIn,
    @Body(new BodyOf(NewFactor)) body: NewFactor,
    @Req() { address }: FastifyRequest,
  ): Promise<FactorEnrolment> {
    return this.factors.begin({ action, signIn, address }, body);
  }

  /**
   * Confirms an enrolment with a code of the app or the registration of the passkey. The first factor comes with ten recovery codes, which
   * are shown only in this response. Returns 404 when the enrolment has ended, and 422 when the code or the registration is wrong.
   */
  @Post('second-factors/:id/confirm')
  @Gives(ConfirmedFactor)
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  confirm(
    @Audited() action: AuditedAction,
    @CurrentSignIn() signIn: SignIn,
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(FactorConfirmation)) body: FactorConfirmation,
  ): Promise<ConfirmedFactor> {
    return this.factors.confirm({ action, signIn }, id, body);
  }

  /**
   * Removes a second factor of the caller. With the last factor, the recovery codes are removed too. Returns 409 for the last factor if a
   * group requires one, and 422 when the password is wrong.
   */
  @Post('second-factors/:id/remove')
  @HttpCode(204)
  remove(
    @Audited() action: AuditedAction,
    @CurrentSignIn() signIn: SignIn,
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(PasswordAgain)) { password }: PasswordAgain,
    @Req() { address }: FastifyRequest,
  ): Promise<void> {
    return this.factors.remove({ action, signIn, address }, id, password);
  }

  /**
   * Replaces the recovery codes of the caller by ten new ones, which are shown only in this response. Returns 409 without a second factor,
   * and 422 when the password is wrong.
   */
  @Post('recovery-codes')
  @Gives(RecoveryCodes)
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  renewCodes(
    @Audited() action: AuditedAction,
    @CurrentSignIn() signIn: SignIn,
    @Body(new BodyOf(PasswordAgain)) { password }: PasswordAgain,
    @Req() { address }: FastifyRequest,
  ): Promise<RecoveryCodes> {
    return this.factors.renewCodes({ action, signIn, address }, password);
  }
}
