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
import type { z } from 'zod';
import { Gives, pageOf } from '../http/response.shape.js';
import { Audited, AuditedAction } from '../audit/audited.actions.js';
import { BodyOf, IdPipe } from '../http/body.pipe.js';
import { QueryOf } from '../http/query.pipe.js';
import { Requires } from '../authz/authz.guard.js';
import { EntityTags, tagOf } from './entity.tags.js';
import type { Page } from '../http/list.query.js';
import { Sender, Senders } from './senders.service.js';
import { Machine, MachineChange, Machines, NewMachine, MachinesQuery } from './machines.service.js';

/** A machine account with its state as a sender. */
const MachineWithSender = Machine.extend(Sender.shape);

@Controller('api/accounts')
@Requires('access:manage')
@UseInterceptors(EntityTags)
export class MachinesController {
  constructor(
    private readonly machines: Machines,
    private readonly senders: Senders,
  ) {}

  /** Lists the machine accounts, sorted by name. Filters: `group` (id), `institution`, `disabled`, `silent`. */
  @Get()
  @Gives(pageOf(Machine))
  list(@Query(new QueryOf(MachinesQuery)) query: MachinesQuery): Promise<Page<Machine>> {
    return this.machines.list(query);
  }

  /** Adds a machine account. Returns 201 with `Location`, or 409 when the name is taken. */
  @Post()
  @Gives(Machine)
  async create(
    @Audited() action: AuditedAction,
    @Body(new BodyOf(NewMachine)) body: NewMachine,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Machine> {
    const machine = await this.machines.create(action, body);
    void reply.header('location', `/api/accounts/${machine.id}`);
    return machine;
  }

  /** Returns one machine account with its state as a sender. The entity tag covers only the account, not the state. */
  @Get(':id')
  @Gives(MachineWithSender)
  async get(
    @Param('id', new IdPipe()) id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.output<typeof MachineWithSender>> {
    const machine = await this.machines.get(id);
    void reply.header('etag', tagOf(machine));
    return { ...machine, ...(await this.senders.of(id)) };
  }

  /**
   * Changes the institution, the issuer, the silence limit or the disabled state of a machine account. Instances that the account stored
   * before the change keep their values.
   */
  @Patch(':id')
  @Gives(Machine)
  change(
    @Audited() action: AuditedAction,
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(MachineChange)) body: MachineChange,
  ): Promise<Machine> {
    return this.machines.change(action, id, body);
  }

  /** Removes a machine account and its keys. The instances that the account stored are kept. */
  @Delete(':id')
  @HttpCode(204)
  remove(@Audited() action: AuditedAction, @Param('id', new IdPipe()) id: string): Promise<void> {
    return this.machines.remove(action, id);
  }
}
