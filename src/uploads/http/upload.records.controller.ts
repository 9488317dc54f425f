import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Audited, AuditedAction, AuditedActions } from '../../audit/audited.actions.js';
import { May, Requires } from '../../authz/authz.guard.js';
import { holds, type Policy } from '../../authz/policy.js';
import { type DicomwebRequest, Incoming } from '../../dicomweb/http/dicomweb.request.js';
import { BodyOf, IdPipe } from '../../http/body.pipe.js';
import { ListQuery, QueryOf } from '../../http/query.pipe.js';
import { Gives, GivesAs, pageOf } from '../../http/response.shape.js';
import { NotVisible } from '../../problems/errors.js';
import { StagedUploads } from '../storing/staged.uploads.js';
import { UploadRecords } from '../storing/upload.records.js';
import { noteOfUpload, UploadReport, uploadReport } from './upload.report.js';

const Assignment = z.strictObject({ user_id: z.uuid() });
const UploadsQuery = ListQuery.omit({ sort: true });

/** The records of uploads. People see their own. Others' need `access:manage`. */
@Controller('api')
@Requires('studies:store', 'access:manage')
export class UploadRecordsController {
  constructor(
    private readonly records: UploadRecords,
    private readonly files: StagedUploads,
    private readonly actions: AuditedActions,
  ) {}

  /** Returns an upload: who sent it and when, what became of it, and the steps of its processing. Others' uploads need `access:manage`. */
  @Get('uploads/:id')
  @Gives(UploadReport)
  async get(
    @Incoming() request: DicomwebRequest,
    @Param('id', new IdPipe()) id: string,
  ): Promise<UploadReport> {
    const row = await this.records.get(id, visibleFor(request.policy));
    request.note(noteOfUpload(row));
    return uploadReport(row);
  }

  /** Returns the file as it was sent. Returns 404 if the original is not kept (`KEEP_ORIGINALS`). Others' uploads need `access:manage`. */
  @Get('uploads/:id/original')
  @GivesAs({ 'application/octet-stream': null })
  async original(
    @Incoming() request: DicomwebRequest,
    @Param('id', new IdPipe()) id: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const row = await this.records.get(id, visibleFor(request.policy));
    if (row.original === null || !(await this.files.has(row.original))) throw new NotVisible();
    request.note(noteOfUpload(row));
    const name = encodeURIComponent(row.fileName === '' ? row.id : row.fileName).replaceAll("'", '%27');
    await reply
      .type('application/octet-stream')
      .header('content-disposition', `attachment; filename*=UTF-8''${name}`)
      .send(this.files.open(row.original));
  }

  /** Moves an upload to the list of another person or machine account. The scope `own-uploads` of both does not change. */
  @Post('uploads/:id/assign')
  @HttpCode(200)
  @Gives(UploadReport)
  @Requires('access:manage')
  async assign(
    @Audited() action: AuditedAction,
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(Assignment)) { user_id: user }: z.output<typeof Assignment>,
  ): Promise<UploadReport> {
    const before = await this.records.get(id, undefined);
    action.addFacts(noteOfUpload(before));
    action.addFacts({ detail: { from: before.listedFor, to: user } });
    const row = await this.actions.record(action, 200, (transaction) =>
      this.records.assign(transaction, id, user),
    );
    return uploadReport(row);
  }

  /** Deletes the record of an upload, and the original if it was kept. The stored study stays. Others' uploads need `access:manage`. */
  @Delete('uploads/:id')
  @HttpCode(204)
  async remove(
    @Audited() action: AuditedAction,
    @May() policy: Policy,
    @Param('id', new IdPipe()) id: string,
  ): Promise<void> {
    const row = await this.records.get(id, visibleFor(policy));
    action.addFacts(noteOfUpload(row));
    await this.actions.record(action, 204, (transaction) => this.records.remove(transaction, id));
    if (row.original !== null) await this.files.remove(row.original);
  }

  /** Lists the uploads of a person or machine account, newest first. `q` is a part of the file name. Others' lists need `access:manage`. */
  @Get('users/:user/uploads')
  @Gives(pageOf(UploadReport))
  async list(
    @May() policy: Policy,
    @Param('user', new IdPipe()) user: string,
    @Query(new QueryOf(UploadsQuery)) query: z.output<typeof UploadsQuery>,
  ): Promise<{ items: UploadReport[]; total: number }> {
    if ((visibleFor(policy) ?? user) !== user) throw new NotVisible();
    const { items, total } = await this.records.list(user, query);
    return { items: items.map(uploadReport), total };
  }
}

/** The account whose uploads may be seen: the own account, or `undefined` for all. */
function visibleFor(policy: Policy): string | undefined {
  return holds(policy, 'access:manage') ? undefined : policy.accountId;
}
