import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Audited, AuditedAction } from '../audit/audited.actions.js';
import { Requires } from '../authz/authz.guard.js';
import { BodyOf, IdPipe } from '../http/body.pipe.js';
import type { Page } from '../http/list.query.js';
import { ListQuery, QueryOf } from '../http/query.pipe.js';
import { Gives, pageOf } from '../http/response.shape.js';
import { Hold, Holds, NewHold } from './holds.service.js';

const HoldsQuery = ListQuery.omit({ sort: true });
type HoldsQuery = Omit<ListQuery, 'sort'>;

/** Legal holds: nothing of a held study or patient is purged. */
@Controller('api/holds')
@Requires('access:manage')
export class HoldsController {
  constructor(private readonly holds: Holds) {}

  /** Lists the holds that were not released, newest first. `q` is a part of a UID, of a PatientID or of a reason. */
  @Get()
  @Gives(pageOf(Hold))
  @Header('cache-control', 'no-store')
  list(@Query(new QueryOf(HoldsQuery)) query: HoldsQuery): Promise<Page<Hold>> {
    return this.holds.list(query);
  }

  /** Holds a study (`study_uid`) or a patient (`patient`), with a reason. A running purge stops before its next instances. */
  @Post()
  @HttpCode(201)
  @Gives(Hold, 201)
  add(@Audited() action: AuditedAction, @Body(new BodyOf(NewHold)) body: NewHold): Promise<Hold> {
    return this.holds.add(action, body);
  }

  /** Releases a hold. Returns 404 when it is unknown or already released. */
  @Delete(':id')
  @HttpCode(204)
  release(@Audited() action: AuditedAction, @Param('id', new IdPipe()) id: string): Promise<void> {
    return this.holds.release(action, id);
  }
}
