import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { BodyOf, IdPipe } from '../authn/body.pipe.js';
import { Requires } from '../authz/authz.guard.js';
import { PatientKey } from './fields.js';
import { ListPipe, type ListQuery, type Page } from './list.query.js';
import { NewUser, type User, UserChange, Users } from './users.service.js';

@Controller('api/users')
@Requires('access:manage')
export class UsersController {
  constructor(private readonly users: Users) {}

  /** People, by username; `q` looks in username and display name. */
  @Get()
  list(@Query(new ListPipe()) query: ListQuery): Promise<Page<User>> {
    return this.users.list(query);
  }

  /** Adds a person: 201 with `Location`; 409 when the username is taken. */
  @Post()
  async create(
    @Body(new BodyOf(NewUser)) body: NewUser,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<User> {
    const user = await this.users.create(body);
    void reply.header('location', `/api/users/${user.id}`);
    return user;
  }

  /** One person. */
  @Get(':id')
  get(@Param('id', new IdPipe()) id: string): Promise<User> {
    return this.users.get(id);
  }

  /** Changes display name, password or whether the person is disabled; 409 for the last administrator. */
  @Patch(':id')
  change(
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(UserChange)) body: UserChange,
  ): Promise<User> {
    return this.users.change(id, body);
  }

  /** Removes a person with all they signed in with; 409 for the last administrator. */
  @Delete(':id')
  @HttpCode(204)
  remove(@Param('id', new IdPipe()) id: string): Promise<void> {
    return this.users.remove(id);
  }

  /** Links the person to the patient they are: `{issuer, patient_id}`, or `null` for none. */
  @Put(':id/patient')
  link(
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(PatientKey.nullable())) body: PatientKey | null,
  ): Promise<User> {
    return this.users.link(id, body);
  }

  /** Ends that link. */
  @Delete(':id/patient')
  @HttpCode(204)
  async unlink(@Param('id', new IdPipe()) id: string): Promise<void> {
    await this.users.link(id, null);
  }
}
