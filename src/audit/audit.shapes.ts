import { z } from 'zod';
import { AUDIT_ORDERS, type FoundRow } from './audit.search.js';
import { ListQuery } from '../http/query.pipe.js';

const text = z
  .string()
  .min(1)
  .max(256)
  .refine((value) => !value.includes('\0'));
const moment = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()])
  .transform((value) => new Date(value))
  .refine((date) => date.getUTCFullYear() >= 1970 && date.getUTCFullYear() <= 9999);
const kind = z.enum(['answer', 'opened', 'totals', 'refused', 'sealing']);

/**
 * The query parameters: conditions for rows, and the format of the response. The formats are a page as JSON, a page as FHIR R4, or all rows
 * as CSV.
 */
export const AuditQuery = ListQuery.extend({
  from: moment.optional(),
  to: moment.optional(),
  account: text.optional(),
  issuer: text.optional(),
  patient: text.optional(),
  study: text.optional(),
  action: text.optional(),
  kind: kind.optional(),
  sort: z.enum(AUDIT_ORDERS).default('-at'),
  format: z.enum(['json', 'csv', 'fhir']).optional(),
});
export type AuditQuery = z.output<typeof AuditQuery>;

const name = z.string().nullable();
const figure = z.int().nullable();

/** An audit row as JSON. */
export const AuditEntry = z.object({
  id: figure,
  at: z.iso.datetime().nullable(),
  kind,
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
export type AuditEntry = z.output<typeof AuditEntry>;

/** Converts an audit row to the format of the API. */
export function auditEntryOf(row: FoundRow): AuditEntry {
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
