import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Post,
  Query,
  Res,
  UseInterceptors,
} from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Gives, pageOf } from '../http/response.shape.js';
import { Audited, AuditedAction } from '../audit/audited.actions.js';
import { BodyOf, IdPipe } from '../http/body.pipe.js';
import { QueryOf } from '../http/query.pipe.js';
import { Requires } from '../authz/authz.guard.js';
import { EntityTags } from './entity.tags.js';
import { Grant, Grants, NewGrant, GrantsQuery } from './grants.service.js';
import type { Page } from '../http/list.query.js';

@Controller('api/groups/:group/grants')
@Requires('access:manage')
@UseInterceptors(EntityTags)
export class GrantsController {
  constructor(private readonly grants: Grants) {}

  /**
   * Lists the grants of the group, oldest first, including expired grants. Filters: `right`, `scope` (the kind of the scope), `expired`,
   * `until_before`.
   */
  @Get()
  @Gives(pageOf(Grant))
  list(
    @Param('group', new IdPipe()) group: string,
    @Query(new QueryOf(GrantsQuery)) query: GrantsQuery,
  ): Promise<Page<Grant>> {
    return this.grants.list(group, query);
  }

  /**
   * Adds a grant of rights over a scope. Returns 201 with `Location`. Returns 422 if a right allows only the scope `all` and the grant has
   * another scope.
   */
  @Post()
  @Gives(Grant)
  async create(
    @Audited() action: AuditedAction,
    @Param('group', new IdPipe()) group: string,
    @Body(new BodyOf(NewGrant)) body: NewGrant,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Grant> {
    const grant = await this.grants.create(action, group, body);
    void reply.header('location', `/api/groups/${group}/grants/${grant.id}`);
    return grant;
  }

  /** Returns one grant. */
  @Get(':id')
  @Gives(Grant)
  get(@Param('group', new IdPipe()) group: string, @Param('id', new IdPipe()) id: string): Promise<Grant> {
    return this.grants.get(group, id);
  }

  /** Removes a grant. Returns 409 when nobody could manage access after the change. */
  @Delete(':id')
  @HttpCode(204)
  remove(
    @Audited() action: AuditedAction,
    @Param('group', new IdPipe()) group: string,
    @Param('id', new IdPipe()) id: string,
  ): Promise<void> {
    return this.grants.remove(action, group, id);
  }
}
