import { Readable } from 'node:stream';
import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { CSV_HEADER, csvLine } from '../../audit/audit.csv.js';
import { auditBundle } from '../../audit/audit.event.js';
import type { AuditNote } from '../../audit/audit.note.js';
import { AuditSearch, type FoundRow } from '../../audit/audit.search.js';
import { Requires } from '../../authz/authz.guard.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { QueryOf } from '../../http/query.pipe.js';
import { GivesAs, pageOf } from '../../http/response.shape.js';
import { AuditEntry, auditEntryOf, AuditQuery } from '../../audit/audit.shapes.js';

type Format = NonNullable<AuditQuery['format']>;

/** The export formats that a client can request with the header `Accept` instead of the query parameter `format`. */
const FORMATS = new Map<string | undefined, Format>([
  ['text/csv', 'csv'],
  ['application/fhir+json', 'fhir'],
]);

const Bundle = z.looseObject({ resourceType: z.literal('Bundle'), type: z.literal('collection') });

@Controller('api/audit')
@Requires('audit:read')
export class AuditController {
  constructor(
    @Inject(ENV) private readonly env: Pick<Env, 'PUBLIC_URL'>,
    private readonly search: AuditSearch,
  ) {}

  /**
   * Lists the audit rows, newest first. A row shows that an account read or changed certain data. The response is a page of rows as JSON.
   * With `format=fhir` (or `Accept: application/fhir+json`), the page is a Bundle of AuditEvents (FHIR R4). With `format=csv` (or `Accept:
   * text/csv`), the response contains all rows. Filters: `from` (inclusive) and `to` (exclusive) are times in ISO 8601. `account` is an id
   * or a name. `patient` is a patient id, and `issuer` is the issuer of this id. `study` is a UID. `action` is the beginning of an action.
   * `q` is a part of an account name or an action.
   */
  @Get()
  @GivesAs({ 'application/json': pageOf(AuditEntry), 'application/fhir+json': Bundle, 'text/csv': null })
  async list(
    @Query(new QueryOf(AuditQuery)) query: AuditQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { format = acceptedFormat(request.headers.accept), sort: order, limit, offset, ...filter } = query;
    request.auditNote = noteOf(query, format);
    if (format === 'csv') return sendCsv(reply, this.search.all(filter));
    const { items, total } = await this.search.page(filter, { limit, offset, order });
    if (format === 'json') return reply.send({ items: items.map(auditEntryOf), total });
    return reply
      .header('x-total-count', String(total))
      .type('application/fhir+json')
      .send(auditBundle(items, this.env.PUBLIC_URL));
  }
}

function acceptedFormat(accept = ''): Format {
  const [first] = accept.split(/[;,]/, 1);
  return FORMATS.get(first?.trim().toLowerCase()) ?? 'json';
}

/** The facts for the audit row of a search in the audit: the filters and the format of the search. */
function noteOf(query: AuditQuery, format: Format): AuditNote {
  const { from, to, issuer, patient, study, account, action, kind, q } = query;
  return {
    ...(study === undefined ? {} : { studyUid: study }),
    ...(patient === undefined ? {} : { patientId: patient }),
    ...(issuer === undefined ? {} : { patientIssuer: issuer }),
    detail: { format, from, to, account, action, kind, q: q === '' ? undefined : q },
  };
}

function sendCsv(reply: FastifyReply, rows: AsyncIterable<FoundRow>): FastifyReply {
  const lines = async function* (): AsyncGenerator<string> {
    yield CSV_HEADER;
    for await (const row of rows) yield csvLine(row);
  };
  return reply
    .type('text/csv; charset=utf-8; header=present')
    .header('content-disposition', 'attachment; filename="audit.csv"')
    .send(Readable.from(lines()));
}
