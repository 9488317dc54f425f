import { Body, Controller, Get, Headers, HttpCode, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Gives, pageOf } from '../../http/response.shape.js';
import { Audited, AuditedAction } from '../../audit/audited.actions.js';
import { Who } from '../../authn/access.decorators.js';
import type { Account } from '../../authn/account.js';
import { QueryOf } from '../../http/query.pipe.js';
import { Requires } from '../../authz/authz.guard.js';
import { IMPORT_STATUS } from '../../database/schema.records.js';
import { availableNames } from '../../problems/available.js';
import { BadField, BadRequest } from '../../problems/errors.js';
import { ENCODINGS, isEncoding } from '../../csv/csv.encoding.js';
import { ImportId } from './import.id.js';
import { ImportQuery, ImportsQuery } from './import.query.js';
import { ImportReport } from './import.report.js';
import { Imports } from '../jobs/imports.service.js';
import { UploadReceiver } from './upload.receiver.js';

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

const AcceptedUpload = z.object({ file_id: z.uuid(), status: z.enum(IMPORT_STATUS) });

@Controller('api/imports')
export class ImportsController {
  constructor(
    private readonly imports: Imports,
    private readonly receiver: UploadReceiver,
  ) {}

  /**
   * Uploads a file. Returns 202 with `Location` when the file is stored. Returns 200 with the earlier import when the same file was
   * uploaded before. Returns 422 for an unknown `encoding`.
   */
  @Post()
  @HttpCode(202)
  @Gives(AcceptedUpload, 202, 200)
  @Requires('records:import')
  async upload(
    @Audited() action: AuditedAction,
    @Query(new QueryOf(ImportQuery)) query: ImportQuery,
    @Headers('idempotency-key') key: string | undefined,
    @Who() account: Account,
    @Body() body: unknown,
    @Headers('content-type') type: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.output<typeof AcceptedUpload>> {
    if (key !== undefined && !IDEMPOTENCY_KEY.test(key))
      throw new BadRequest(
        'invalid-header',
        'Invalid Idempotency-Key. Use 1 to 255 visible ASCII characters.',
      );
    if (query.encoding !== undefined && !isEncoding(query.encoding))
      throw new BadField('unknown-encoding', 'encoding', `Unknown encoding. ${availableNames(ENCODINGS)}`);
    const upload = await this.receiver.receive(body, type ?? '');
    const { id, status, isNew } = await this.imports.accept(action, upload, query, account, key);
    void reply.status(isNew ? 202 : 200).header('location', `/api/imports/${id}`);
    return { file_id: id, status };
  }

  /**
   * Lists the imports, newest first unless `sort` names another order. Filters: `status`, and `q`, which is a part of the file name or
   * account name.
   */
  @Get()
  @Gives(pageOf(ImportReport))
  @Requires('records:read')
  list(
    @Query(new QueryOf(ImportsQuery)) query: ImportsQuery,
  ): Promise<{ items: ImportReport[]; total: number }> {
    return this.imports.list(query);
  }

  /** Returns one import with its progress. */
  @Get(':id')
  @Gives(ImportReport)
  @Requires('records:read')
  get(@ImportId() id: string): Promise<ImportReport> {
    return this.imports.report(id);
  }
}
