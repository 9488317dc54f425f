import { Readable } from 'node:stream';
import { Controller, Get, Headers, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { OperationOutcome } from '@medplum/fhirtypes';
import type { FastifyReply } from 'fastify';
import { Gives, GivesAs, pageOf } from '../../http/response.shape.js';
import { Audited, AuditedAction } from '../../audit/audited.actions.js';
import { IdPipe } from '../../http/body.pipe.js';
import { QueryOf } from '../../http/query.pipe.js';
import { Requires } from '../../authz/authz.guard.js';
import { ImportControl } from '../jobs/import.control.js';
import { ImportEvents } from './import.events.js';
import { ImportId } from './import.id.js';
import { RowsQuery } from './import.query.js';
import { ImportReport } from './import.report.js';
import { ImportRows, OutcomeShape, RowReport } from './import.rows.js';

const NO_STORE = { 'cache-control': 'no-store' };

@Controller('api/imports/:id')
export class ResultsController {
  constructor(
    private readonly rows: ImportRows,
    private readonly events: ImportEvents,
    private readonly control: ImportControl,
  ) {}

  /** Lists the rows with their states. `changes` lists each element that was written or, in a rehearsal, would be written. */
  @Get('rows')
  @Gives(pageOf(RowReport))
  @Requires('records:read')
  list(
    @ImportId() id: string,
    @Query(new QueryOf(RowsQuery)) query: RowsQuery,
  ): Promise<{ items: RowReport[]; total: number }> {
    return this.rows.page(id, query);
  }

  /** Returns a CSV file with the rejected and waiting rows and their issues. Returns 409 when the rows are no longer stored. */
  @Get('errors.csv')
  @GivesAs({ 'text/csv': null })
  @Requires('records:read')
  async errors(@ImportId() id: string, @Res() reply: FastifyReply): Promise<void> {
    await this.rows.mustBeKept(id);
    const disposition = { 'content-disposition': `attachment; filename="errors-${id}.csv"` };
    void reply.headers({ ...NO_STORE, ...disposition }).type('text/csv; charset=utf-8');
    await reply.send(Readable.from(this.rows.errors(id)));
  }

  /** Returns the issues of the import as an OperationOutcome of FHIR R4. */
  @Get('outcome')
  @GivesAs({ 'application/fhir+json': OutcomeShape })
  @Requires('records:read')
  async outcome(
    @ImportId() id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OperationOutcome> {
    const outcome = await this.rows.outcome(id);
    void reply.type('application/fhir+json');
    return outcome;
  }

  /**
   * Streams the progress as server-sent events. If the request has a `Last-Event-ID`, only later events are sent. Returns 204 when no event
   * can follow.
   */
  @Get('events')
  @GivesAs({ 'text/event-stream': null }, 200, 204)
  @Requires('records:read')
  async follow(
    @ImportId() id: string,
    @Headers('last-event-id') last: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const events = await this.events.open(id, last);
    // After 204, an EventSource does not reconnect (HTML, "Server-sent events").
    if (events === undefined) void reply.status(204);
    else void reply.headers({ ...NO_STORE, 'x-accel-buffering': 'no' }).type('text/event-stream');
    await reply.send(events);
  }

  /** Writes a rehearsed import. Returns 202, or 409 when the status is not `rehearsed`. */
  @Post('commit')
  @HttpCode(202)
  @Gives(ImportReport)
  @Requires('records:import')
  commit(@Audited() action: AuditedAction, @Param('id', new IdPipe()) id: string): Promise<ImportReport> {
    return this.control.commit(action, id);
  }

  /** Stops an import after the current bundle. Returns 202, or 409 when the import has ended. */
  @Post('cancel')
  @HttpCode(202)
  @Gives(ImportReport)
  @Requires('records:import')
  cancel(@Audited() action: AuditedAction, @Param('id', new IdPipe()) id: string): Promise<ImportReport> {
    return this.control.cancel(action, id);
  }

  /** Runs the rejected, waiting and pending rows again. Returns 202, or 409 when no row can run again. */
  @Post('retry')
  @HttpCode(202)
  @Gives(ImportReport)
  @Requires('records:import')
  retry(@Audited() action: AuditedAction, @Param('id', new IdPipe()) id: string): Promise<ImportReport> {
    return this.control.retry(action, id);
  }

  /**
   * Undoes the writes of an import. Returns 202, or 409 while the import runs. `undoing` is true until the status is `undone`. Resources
   * are not undone if somebody else changed them or a later import uses them. `undo_conflicts` lists these resources.
   */
  @Post('undo')
  @HttpCode(202)
  @Gives(ImportReport)
  @Requires('records:import')
  undo(@Audited() action: AuditedAction, @Param('id', new IdPipe()) id: string): Promise<ImportReport> {
    return this.control.undo(action, id);
  }
}
