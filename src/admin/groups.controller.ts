import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  Query,
  Res,
  UseInterceptors,
} from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Gives, pageOf } from '../http/response.shape.js';
import { Audited, AuditedAction } from '../audit/audited.actions.js';
import { FactorEffects, FactorPreviews } from '../authn/second-factor/factor.previews.js';
import { BodyOf, IdPipe } from '../http/body.pipe.js';
import { QueryOf } from '../http/query.pipe.js';
import { Requires } from '../authz/authz.guard.js';
import { EntityTags } from './entity.tags.js';
import { Group, GroupChange, Groups, NewGroup, GroupsQuery } from './groups.service.js';
import type { Page } from '../http/list.query.js';

@Controller('api/groups')
@Requires('access:manage')
@UseInterceptors(EntityTags)
export class GroupsController {
  constructor(
    private readonly groups: Groups,
    private readonly previews: FactorPreviews,
  ) {}

  /**
   * Lists the groups, sorted by name. Filters: `member` (the id of an account), `right`, and `q`, which is a part of the name or the
   * description.
   */
  @Get()
  @Gives(pageOf(Group))
  list(@Query(new QueryOf(GroupsQuery)) query: GroupsQuery): Promise<Page<Group>> {
    return this.groups.list(query);
  }

  /** Adds a group. Returns 201 with `Location`, or 409 when the name is taken. */
  @Post()
  @Gives(Group)
  async create(
    @Audited() action: AuditedAction,
    @Body(new BodyOf(NewGroup)) body: NewGroup,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Group> {
    const group = await this.groups.create(action, body);
    void reply.header('location', `/api/groups/${group.id}`);
    return group;
  }

  /** Returns one group. */
  @Get(':id')
  @Gives(Group)
  get(@Param('id', new IdPipe()) id: string): Promise<Group> {
    return this.groups.get(id);
  }

  /**
   * Changes the name or the description of a group, or whether it requires a second factor. If it begins to require one, the sign-ins of
   * its members by password alone end.
   */
  @Patch(':id')
  @Gives(Group)
  change(
    @Audited() action: AuditedAction,
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(GroupChange)) body: GroupChange,
  ): Promise<Group> {
    return this.groups.change(action, id, body);
  }

  /** Removes a group with its grants and memberships. Returns 409 when nobody could manage access after the change. */
  @Delete(':id')
  @HttpCode(204)
  remove(@Audited() action: AuditedAction, @Param('id', new IdPipe()) id: string): Promise<void> {
    return this.groups.remove(action, id);
  }

  /** Says what happens to the people of a group when it begins to require a second factor. */
  @Get(':id/second-factor')
  @Gives(FactorEffects)
  async previewFactor(@Param('id', new IdPipe()) id: string): Promise<FactorEffects> {
    await this.groups.get(id);
    return this.previews.of(id);
  }
}
