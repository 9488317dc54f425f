import { Body, Controller, Get, Headers, HttpCode, Post, Query } from '@nestjs/common';
import { Gives, pageOf } from '../../http/response.shape.js';
import { Audited, AuditedAction } from '../../audit/audited.actions.js';
import type { Account } from '../../authn/account.js';
import { Who } from '../../authn/access.decorators.js';
import { BodyOf } from '../../http/body.pipe.js';
import { ListQuery, QueryOf } from '../../http/query.pipe.js';
import { Requires } from '../../authz/authz.guard.js';
import { NewMappingDocument } from '../../mapping/mapping.checks.js';
import type { MappingDocument } from '../../mapping/mapping.document.js';
import { ENCODINGS, isEncoding } from '../../csv/csv.encoding.js';
import { availableNames } from '../../problems/available.js';
import { BadField } from '../../problems/errors.js';
import { Drafts } from '../jobs/drafts.service.js';
import { Mappings, StoredMapping } from '../jobs/mappings.service.js';
import { Proposal } from '../jobs/proposal.shape.js';
import { DraftQuery } from './import.query.js';
import { UploadReceiver } from './upload.receiver.js';

@Controller('api/mappings')
export class MappingsController {
  constructor(
    private readonly mappings: Mappings,
    private readonly receiver: UploadReceiver,
    private readonly drafts: Drafts,
  ) {}

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

  /**
   * Drafts a mapping from a list, and imports nothing. Returns the meaning of each column, questions, a complete draft, and a preview of the
   * first resources. The list is the body, or the part `file` of multipart/form-data. The first 20,000 rows are read. Returns 413 for a list
   * above 32 MiB, 422 for a list that cannot be read, and 429 when too many lists are read at the same time.
   */
  @Post('draft')
  @HttpCode(200)
  @Gives(Proposal)
  @Requires('records:import')
  async draft(
    @Query(new QueryOf(DraftQuery)) query: DraftQuery,
    @Body() body: unknown,
    @Headers('content-type') type: string | undefined,
  ): Promise<Proposal> {
    const { as_of: asOf, ...said } = query;
    if (said.encoding !== undefined && !isEncoding(said.encoding))
      throw new BadField('unknown-encoding', 'encoding', `Unknown encoding. ${availableNames(ENCODINGS)}`);
    const { id } = await this.receiver.receiveSample(body, type ?? '');
    return this.drafts.make(id, { ...said, asOf });
  }
}
