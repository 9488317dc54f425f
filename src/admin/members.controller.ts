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
import type { Page } from '../http/list.query.js';
import { EntityTags } from './entity.tags.js';
import { Member, Members, NewMember, MembersQuery } from './members.service.js';

@Controller('api/groups/:group/members')
@Requires('access:manage')
@UseInterceptors(EntityTags)
export class MembersController {
  constructor(private readonly members: Members) {}

  /** Lists the members of the group, sorted by name. Filters: `kind`, `disabled`. */
  @Get()
  @Gives(pageOf(Member))
  list(
    @Param('group', new IdPipe()) group: string,
    @Query(new QueryOf(MembersQuery)) query: MembersQuery,
  ): Promise<Page<Member>> {
    return this.members.list(group, query);
  }

  /**
   * Adds a person (`user_id`) or a machine account (`account_id`) to the group. Returns 201, or 200 when the account is a member already.
   */
  @Post()
  @Gives(Member, 201, 200)
  async add(
    @Audited() action: AuditedAction,
    @Param('group', new IdPipe()) group: string,
    @Body(new BodyOf(NewMember)) body: NewMember,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Member> {
    const { member, added } = await this.members.add(action, group, body);
    void reply.status(added ? 201 : 200).header('location', `/api/groups/${group}/members/${body.id}`);
    return member;
  }

  /** Returns one member by the id of the account. */
  @Get(':id')
  @Gives(Member)
  get(@Param('group', new IdPipe()) group: string, @Param('id', new IdPipe()) id: string): Promise<Member> {
    return this.members.get(group, id);
  }

  /** Removes an account from the group. Returns 409 for the last administrator. */
  @Delete(':id')
  @HttpCode(204)
  remove(
    @Audited() action: AuditedAction,
    @Param('group', new IdPipe()) group: string,
    @Param('id', new IdPipe()) id: string,
  ): Promise<void> {
    return this.members.remove(action, group, id);
  }
}
