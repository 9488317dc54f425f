import { Readable } from 'node:stream';
import { Controller, Get, Headers, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { OperationOutcome } from '@medplum/fhirtypes';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Gives, GivesAs, pageOf } from '../../http/response.shape.js';
import { Audited, AuditedAction } from '../../audit/audited.actions.js';
import { IdPipe } from '../../http/body.pipe.js';
import { QueryOf } from '../../http/query.pipe.js';
import { Requires } from '../../authz/authz.guard.js';
import { ImportControl } from '../jobs/import.control.js';
import { ImportEvents } from './import.events.js';
import { RowsQuery } from './import.query.js';
import { ImportReport } from './import.report.js';
import { ImportRows, RowReport } from './import.rows.js';
import { Imports } from '../jobs/imports.service.js';

const Outcome = z.looseObject({
  resourceType: z.literal('OperationOutcome'),
  issue: z.array(z.looseObject({ severity: z.string(), code: z.string() })),
});
const NO_STORE = { 'cache-control': 'no-store' };

@Controller('api/imports/:id')
export class ResultsController {
  constructor(
    private readonly imports: Imports,
    private readonly rows: ImportRows,
    private readonly events: ImportEvents,
    private readonly control: ImportControl,
  ) {}

  /** Rows and what became of them; `changes` says field by field what was, or would be, written. */
  @Get('rows')
  @Gives(pageOf(RowReport))
  @Requires('records:read')
  list(
    @Param('id', new IdPipe()) id: string,
    @Query(new QueryOf(RowsQuery)) query: RowsQuery,
    @Req() request: FastifyRequest,
  ): Promise<{ items: RowReport[]; total: number }> {
    request.auditNote = { detail: { import: id } };
    return this.rows.page(id, query);
  }

  /** The rows that were refused or wait, with the reasons, to be mended and uploaded again; 409 when they are no longer kept. */
  @Get('errors.csv')
  @GivesAs({ 'text/csv': null })
  @Requires('records:read')
  async errors(
    @Param('id', new IdPipe()) id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    request.auditNote = { detail: { import: id } };
    await this.rows.kept(id);
    const disposition = { 'content-disposition': `attachment; filename="errors-${id}.csv"` };
    void reply.headers({ ...NO_STORE, ...disposition }).type('text/csv; charset=utf-8');
    await reply.send(Readable.from(this.rows.errors(id)));
  }

  /** The issues as an OperationOutcome of FHIR R4. */
  @Get('outcome')
  @GivesAs({ 'application/fhir+json': Outcome })
  @Requires('records:read')
  async outcome(
    @Param('id', new IdPipe()) id: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OperationOutcome> {
    request.auditNote = { detail: { import: id } };
    const outcome = await this.rows.outcome(id);
    void reply.type('application/fhir+json');
    return outcome;
  }

  /** Progress as server-sent events; `Last-Event-ID` takes up where a listener left, 204 when there is nothing left to hear. */
  @Get('events')
  @GivesAs({ 'text/event-stream': null }, 200, 204)
  @Requires('records:read')
  async follow(
    @Param('id', new IdPipe()) id: string,
    @Headers('last-event-id') last: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.imports.get(id);
    const left = new AbortController();
    request.raw.once('close', () => left.abort());
    const from = /^\d{1,15}$/.test(last ?? '') ? Number(last) : 0;
    request.auditNote = { detail: { import: id } };
    // The one answer that keeps an EventSource from asking again (HTML, "Server-sent events").
    if (await this.events.hasHeardAll(id, from)) {
      await reply.status(204).send();
      return;
    }
    void reply.headers({ ...NO_STORE, 'x-accel-buffering': 'no' }).type('text/event-stream');
    await reply.send(Readable.from(this.events.follow(id, from, left.signal)));
  }

  /** Writes what was rehearsed: 202; 409 unless it is `rehearsed`. */
  @Post('commit')
  @HttpCode(202)
  @Gives(ImportReport)
  @Requires('records:import')
  async commit(
    @Audited() action: AuditedAction,
    @Param('id', new IdPipe()) id: string,
  ): Promise<ImportReport> {
    await this.control.commit(action, id);
    return this.imports.report(id);
  }

  /** Stops an import between two bundles: 202; 409 when it has ended. */
  @Post('cancel')
  @HttpCode(202)
  @Gives(ImportReport)
  @Requires('records:import')
  async cancel(
    @Audited() action: AuditedAction,
    @Param('id', new IdPipe()) id: string,
  ): Promise<ImportReport> {
    await this.control.cancel(action, id);
    return this.imports.report(id);
  }

  /** Runs the rows again that were refused, wait or were not reached: 202; 409 when there are none. */
  @Post('retry')
  @HttpCode(202)
  @Gives(ImportReport)
  @Requires('records:import')
  async retry(
    @Audited() action: AuditedAction,
    @Param('id', new IdPipe()) id: string,
  ): Promise<ImportReport> {
    await this.control.retry(action, id);
    return this.imports.report(id);
  }

  /** Takes back what the import wrote, where nobody changed it and no other import relies on it since: 202, and `undoing` until it is `undone`; the import lists what it could not; 409 while it runs. */
  @Post('undo')
  @HttpCode(202)
  @Gives(ImportReport)
  @Requires('records:import')
  async undo(@Audited() action: AuditedAction, @Param('id', new IdPipe()) id: string): Promise<ImportReport> {
    await this.control.undo(action, id);
    return this.imports.report(id);
  }
}
