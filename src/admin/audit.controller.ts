import { Readable } from 'node:stream';
import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { CSV_HEADER, csvLine } from '../audit/audit.csv.js';
import { auditBundle } from '../audit/audit.event.js';
import { AUDIT_ORDERS, type AuditFilter, AuditSearch, type FoundRow } from '../audit/audit.search.js';
import { GivesAs, pageOf } from '../http/response.shape.js';
import { ListQuery, QueryOf } from '../http/query.pipe.js';
import { Requires } from '../authz/authz.guard.js';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';

const text = z
  .string()
  .min(1)
  .max(256)
  .refine((value) => !value.includes('\0'));
const moment = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()])
  .transform((value) => new Date(value))
  .refine((date) => date.getUTCFullYear() >= 1970 && date.getUTCFullYear() <= 9999);

/** Which rows, and as what: a page in JSON, a page as FHIR R4, or everything as CSV. */
const AuditQuery = ListQuery.extend({
  from: moment.optional(),
  to: moment.optional(),
  account: text.optional(),
  issuer: text.optional(),
  patient: text.optional(),
  study: text.optional(),
  action: text.optional(),
  kind: z.enum(['answer', 'opened', 'totals', 'refused', 'sealing']).optional(),
  sort: z.enum(AUDIT_ORDERS).default('-at'),
  format: z.enum(['json', 'csv', 'fhir']).optional(),
});
type AuditQuery = z.output<typeof AuditQuery>;

/** What a client means that names its format in `Accept` alone. */
const FORMATS = new Map<string | undefined, 'csv' | 'fhir'>([
  ['text/csv', 'csv'],
  ['application/fhir+json', 'fhir'],
]);

const moments = z.iso.datetime().nullable();
const name = z.string().nullable();
const figure = z.int().nullable();
/** A row as the contract's JSON shows it. */
const Shown = z.object({
  id: figure,
  at: moments,
  kind: z.enum(['answer', 'opened', 'totals', 'refused', 'sealing']),
  account: z.object({ id: z.uuid(), name }).nullable(),
  via: name,
  address: z.string(),
  client: z.string(),
  action: z.string(),
  study_uid: name,
  patient: z.object({ issuer: name, patient_id: z.string() }).nullable(),
  status: figure,
  requests: figure,
  instances: figure,
  frames: figure,
  bytes: figure,
  request_id: name,
  detail: z.unknown(),
});
const Bundle = z.looseObject({ resourceType: z.literal('Bundle'), type: z.literal('collection') });

@Controller('api/audit')
@Requires('audit:read')
export class AuditController {
  constructor(
    @Inject(ENV) private readonly env: Pick<Env, 'PUBLIC_URL'>,
    private readonly search: AuditSearch,
  ) {}

  /**
   * Who saw and did what, newest first: `{items, total}`, with `format=fhir` (or `Accept: application/fhir+json`) the page as a Bundle
   * of AuditEvents (FHIR R4), with `format=csv` (or `Accept: text/csv`) all of it. `from` (in) and `to` (not in) are ISO 8601; `account` is an id or a name, `patient` a patient id (with
   * `issuer` to be exact), `study` a UID, `action` the beginning of one, `q` a part of account or action.
   */
  @Get()
  @GivesAs({ 'application/json': pageOf(Shown), 'application/fhir+json': Bundle, 'text/csv': null })
  async list(
    @Query(new QueryOf(AuditQuery)) query: AuditQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { format: named, sort: order, limit, offset, q, ...filter } = query;
    const [accepted] = (request.headers.accept ?? '').split(/[;,]/, 1);
    const format = named ?? FORMATS.get(accepted?.trim().toLowerCase()) ?? 'json';
    const { from, to, issuer, patient, study, account, action, kind } = filter;
    const asked = { format, from, to, account, action, kind, q: q === '' ? undefined : q };
    request.auditNote = {
      ...(study === undefined ? {} : { studyUid: study }),
      ...(patient === undefined ? {} : { patientId: patient }),
      ...(issuer === undefined ? {} : { patientIssuer: issuer }),
      detail: asked,
    };
    if (format === 'csv') return this.csv({ ...filter, q }, reply);
    const { items, total } = await this.search.page({ ...filter, q }, { limit, offset, order });
    if (format === 'json') return reply.send({ items: items.map(shown), total });
    return reply
      .header('x-total-count', String(total))
      .type('application/fhir+json')
      .send(auditBundle(items, this.env.PUBLIC_URL));
  }

  private csv(filter: AuditFilter, reply: FastifyReply): FastifyReply {
    const rows = this.search.all(filter);
    const lines = async function* (): AsyncGenerator<string> {
      yield CSV_HEADER;
      for await (const row of rows) yield csvLine(row);
    };
    return reply
      .type('text/csv; charset=utf-8; header=present')
      .header('content-disposition', 'attachment; filename="audit.csv"')
      .send(Readable.from(lines()));
  }
}

function shown(row: FoundRow): z.output<typeof Shown> {
  return {
    id: row.id,
    at: row.at?.toISOString() ?? null,
    kind: row.kind,
    account: row.accountId === null ? null : { id: row.accountId, name: row.accountName },
    via: row.via,
    address: row.address,
    client: row.client,
    action: row.action,
    study_uid: row.studyUid,
    patient: row.patientId === null ? null : { issuer: row.patientIssuer, patient_id: row.patientId },
    status: row.status,
    requests: row.requests,
    instances: row.instances,
    frames: row.frames,
    bytes: row.bytes,
    request_id: row.requestId,
    detail: row.detail,
  };
}
