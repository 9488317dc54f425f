import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { Gives, pageOf } from '../../http/response.shape.js';
import { Audited, AuditedAction } from '../../audit/audited.actions.js';
import type { Account } from '../../authn/account.js';
import { Who } from '../../authn/access.decorators.js';
import { BodyOf } from '../../http/body.pipe.js';
import { ListQuery, QueryOf } from '../../http/query.pipe.js';
import { Requires } from '../../authz/authz.guard.js';
import { NewMappingDocument } from '../../mapping/mapping.checks.js';
import type { MappingDocument } from '../../mapping/mapping.document.js';
import { Mappings, StoredMapping } from '../jobs/mappings.service.js';

@Controller('api/mappings')
export class MappingsController {
  constructor(private readonly mappings: Mappings) {}

  /** Lists all versions of all mapping documents, sorted by name, newest version first. `q` is a part of the name. */
  @Get()
  @Gives(pageOf(StoredMapping))
  @Requires('records:read')
  list(@Query(new QueryOf(ListQuery)) query: ListQuery): Promise<{ items: StoredMapping[]; total: number }> {
    return this.mappings.list(query);
  }

  /**
   * Stores the next version of a mapping document. Returns 201. Returns 409 when the version number is not the next number, and 422 when
   * the document is invalid.
   */
  @Post()
  @Gives(StoredMapping)
  @Requires('records:import')
  add(
    @Audited() action: AuditedAction,
    @Body(new BodyOf(NewMappingDocument)) document: MappingDocument,
    @Who() account: Account,
  ): Promise<StoredMapping> {
    return this.mappings.add(action, document, account.id);
  }
}
