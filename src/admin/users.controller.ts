import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  Put,
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
import { EntityTags, tagOf } from './entity.tags.js';
import { PatientKey } from './fields.js';
import type { Page } from '../http/list.query.js';
import { LinkedUser, NewUser, User, UserChange, UsersQuery } from './user.shapes.js';
import { Users } from './users.service.js';

@Controller('api/users')
@Requires('access:manage')
@UseInterceptors(EntityTags)
export class UsersController {
  constructor(private readonly users: Users) {}

  /**
   * Lists the people, sorted by username. Filters: `username`, `group` (id), `disabled`, `external` and `q`. `external` selects people who
   * sign in through the OpenID Connect provider. `q` is a part of the username or the display name.
   */
  @Get()
  @Gives(pageOf(User))
  list(@Query(new QueryOf(UsersQuery)) query: UsersQuery): Promise<Page<User>> {
    return this.users.list(query);
  }

  /**
   * Adds a person. Returns 201 with `Location`, or 409 when the username is taken. The response has a `warning` when the catalog has no
   * study of the linked patient.
   */
  @Post()
  @Gives(LinkedUser)
  async create(
    @Audited() action: AuditedAction,
    @Body(new BodyOf(NewUser)) body: NewUser,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<LinkedUser> {
    const { warning, ...user } = await this.users.create(action, body);
    void reply.header('location', `/api/users/${user.id}`).header('etag', tagOf(user));
    return { ...user, ...(warning !== undefined && { warning }) };
  }

  /** Returns one person. */
  @Get(':id')
  @Gives(User)
  get(@Param('id', new IdPipe()) id: string): Promise<User> {
    return this.users.get(id);
  }

  /** Changes the display name, the password or the disabled state of a person. Returns 409 for the last administrator. */
  @Patch(':id')
  @Gives(User)
  change(
    @Audited() action: AuditedAction,
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(UserChange)) body: UserChange,
  ): Promise<User> {
    return this.users.change(action, id, body);
  }

  /** Removes a person with all sessions and tokens. Returns 409 for the last administrator. */
  @Delete(':id')
  @HttpCode(204)
  remove(@Audited() action: AuditedAction, @Param('id', new IdPipe()) id: string): Promise<void> {
    return this.users.remove(action, id);
  }

  /**
   * Links the person to a patient. The body is `{issuer, patient_id}`, or `null` to remove the link. The response has a `warning` when the
   * catalog has no study of the patient.
   */
  @Put(':id/patient')
  @Gives(LinkedUser)
  async link(
    @Audited() action: AuditedAction,
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(PatientKey.nullable())) body: PatientKey | null,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<LinkedUser> {
    const { warning, ...user } = await this.users.link(action, id, body, 200);
    void reply.header('etag', tagOf(user));
    return { ...user, ...(warning !== undefined && { warning }) };
  }

  /** Removes the link between the person and the patient. */
  @Delete(':id/patient')
  @HttpCode(204)
  async unlink(@Audited() action: AuditedAction, @Param('id', new IdPipe()) id: string): Promise<void> {
    await this.users.link(action, id, null, 204);
  }
}
