import { z } from 'zod';
import { UPLOAD_STATES } from '../../database/schema.uploads.js';
import type { UploadRow } from '../storing/upload.records.js';

const text = z.string().nullable();

/** An upload, as the API shows it. */
export const UploadReport = z.object({
  upload_id: z.uuid(),
  status: z.enum(UPLOAD_STATES),
  reason: text,
  kind: z.string(),
  file_name: z.string(),
  bytes: z.int(),
  sha256: z.string(),
  uploaded_by: z.string(),
  created_at: z.string(),
  finished_at: text,
  issuer: text,
  patient_id: text,
  study_uid: text,
  series_uid: text,
  sop_instance_uid: text,
  sop_class_uid: text,
  transfer_syntax_uid: text,
  original_kept: z.boolean(),
  deidentified: z.boolean(),
  log: z.array(z.object({ at: z.string(), text: z.string() })),
});
export type UploadReport = z.output<typeof UploadReport>;

const known = (value: string) => (value === '' ? null : value);

/** Converts a row to the report of the API. */
export function uploadReport(row: UploadRow): UploadReport {
  return {
    upload_id: row.id,
    status: row.state,
    reason: row.reason,
    kind: row.kind,
    file_name: row.fileName,
    bytes: row.bytes,
    sha256: row.sha256.toString('hex'),
    uploaded_by: row.accountName,
    created_at: row.createdAt.toISOString(),
    finished_at: row.finishedAt?.toISOString() ?? null,
    issuer: known(row.issuer),
    patient_id: known(row.patientId),
    study_uid: known(row.studyUid),
    series_uid: known(row.seriesUid),
    sop_instance_uid: known(row.sopUid),
    sop_class_uid: known(row.sopClassUid),
    transfer_syntax_uid: known(row.transferSyntax),
    original_kept: row.original !== null,
    deidentified: false,
    log: row.log,
  };
}

/** The facts of an upload for the audit. */
export function noteOfUpload({ id, studyUid, issuer, patientId, kind }: UploadRow) {
  return {
    ...(studyUid !== '' && { studyUid }),
    ...(patientId !== '' && { patientIssuer: issuer, patientId }),
    detail: { upload_id: id, kind },
  };
}
