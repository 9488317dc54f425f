import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Param,
  Patch,
  Post,
  Query,
  Res,
} from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Gives, pageOf } from '../http/response.shape.js';
import { Audited, AuditedAction } from '../audit/audited.actions.js';
import { BodyOf, IdPipe } from '../http/body.pipe.js';
import { QueryOf } from '../http/query.pipe.js';
import { Requires } from '../authz/authz.guard.js';
import { Key, KeyChange, Keys, CreatedKey, NewKey, KeysQuery, tagOfKey } from './keys.service.js';
import type { Page } from '../http/list.query.js';

@Controller('api/accounts/:account/keys')
@Requires('access:manage')
export class KeysController {
  constructor(private readonly keys: Keys) {}

  /** Lists the keys of a machine account, without their secrets. Filters: `expired`, `used`. */
  @Get()
  @Gives(pageOf(Key))
  list(
    @Param('account', new IdPipe()) account: string,
    @Query(new QueryOf(KeysQuery)) query: KeysQuery,
  ): Promise<Page<Key>> {
    return this.keys.list(account, query);
  }

  /**
   * Creates a key. Returns 201 with `key`. The key is never shown again. Returns 409 when another valid key of the account has this name.
   */
  @Post()
  @Gives(CreatedKey)
  @Header('cache-control', 'no-store')
  async create(
    @Audited() action: AuditedAction,
    @Param('account', new IdPipe()) account: string,
    @Body(new BodyOf(NewKey)) body: NewKey,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CreatedKey> {
    const key = await this.keys.create(action, account, body);
    void reply.header('location', `/api/accounts/${account}/keys/${key.id}`).header('etag', tagOfKey(key));
    return key;
  }

  /**
   * Returns one key, without its secret. The entity tag covers the values that a client can change. It does not cover the time of the last
   * use.
   */
  @Get(':id')
  @Gives(Key)
  async get(
    @Param('account', new IdPipe()) account: string,
    @Param('id', new IdPipe()) id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Key> {
    const key = await this.keys.get(account, id);
    void reply.header('etag', tagOfKey(key));
    return key;
  }

  /**
   * Changes the name, end date or address ranges of a key. The change is effective from the next request. Returns 409 when another valid
   * key of the account has the new name.
   */
  @Patch(':id')
  @Gives(Key)
  async change(
    @Audited() action: AuditedAction,
    @Param('account', new IdPipe()) account: string,
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(KeyChange)) body: KeyChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Key> {
    const key = await this.keys.change(action, account, id, body);
    void reply.header('etag', tagOfKey(key));
    return key;
  }

  /** Revokes a key. The change is effective from the next request. */
  @Delete(':id')
  @HttpCode(204)
  remove(
    @Audited() action: AuditedAction,
    @Param('account', new IdPipe()) account: string,
    @Param('id', new IdPipe()) id: string,
  ): Promise<void> {
    return this.keys.remove(action, account, id);
  }
}
