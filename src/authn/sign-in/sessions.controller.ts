import { Controller, Delete, Get, HttpCode, Param, Query } from '@nestjs/common';
import { Gives, pageOf } from '../../http/response.shape.js';
import { Audited, AuditedAction, AuditedActions } from '../../audit/audited.actions.js';
import { AnyAccount, CurrentSignIn } from '../access.decorators.js';
import { IdPipe } from '../../http/body.pipe.js';
import { OwnSessions, Session, SessionsQuery } from './own.sessions.js';
import { QueryOf } from '../../http/query.pipe.js';
import type { SignIn } from './sign.in.js';
import { SignIns } from './sign.ins.js';

/** The caller's own sign-ins. */
@Controller('api/me/sessions')
@AnyAccount()
export class SessionsController {
  constructor(
    private readonly sessions: OwnSessions,
    private readonly signIns: SignIns,
    private readonly auditedActions: AuditedActions,
  ) {}

  /**
   * Lists the active sign-ins of the caller, newest first. `current` marks the sign-in of this request. Filters: `kind`, and `q`, which is
   * a part of the address or the user agent.
   */
  @Get()
  @Gives(pageOf(Session))
  list(
    @CurrentSignIn() { account, ends }: SignIn,
    @Query(new QueryOf(SessionsQuery)) query: SessionsQuery,
  ): Promise<{ readonly items: readonly Session[]; readonly total: number }> {
    return this.sessions.page(account.id, query, ends);
  }

  /** Ends all other sign-ins of the caller. The change is effective from the next request. */
  @Delete()
  @HttpCode(204)
  async endOthers(
    @Audited() action: AuditedAction,
    @CurrentSignIn() { account, ends }: SignIn,
  ): Promise<void> {
    await this.auditedActions.record(action, 204, (transaction) =>
      this.signIns.endAll(account.id, ends, transaction),
    );
  }

  /**
   * Ends one sign-in of the caller. It can be the current sign-in. Returns 404 for a sign-in of another account and for a sign-in that has
   * ended.
   */
  @Delete(':id')
  @HttpCode(204)
  async end(
    @Audited() action: AuditedAction,
    @CurrentSignIn() { account }: SignIn,
    @Param('id', new IdPipe()) id: string,
  ): Promise<void> {
    await this.auditedActions.record(action, 204, (transaction) =>
      this.sessions.end(account.id, id, transaction),
    );
  }
}
