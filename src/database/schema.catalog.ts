import { sql } from 'drizzle-orm';
import { bigint, boolean, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import {
  bytea,
  id,
  timestampColumn,
  createdAt,
  serial,
  textColumn,
  textArray,
  countColumn,
} from './schema.columns.js';

/** One row for each pair of issuer and PatientID. A study without PatientID has a patient row of its own. */
export const patients = pgTable('patients', {
  id: serial(),
  issuer: text('issuer').notNull(),
  patientId: text('patient_id').notNull(),
  soleStudyUid: text('sole_study_uid'),
});

/**
 * The columns `*_key` contain the text in lower case and without accents. Searches compare these columns. A study without instances has
 * only reservations.
 */
export const studies = pgTable('studies', {
  id: serial(),
  studyUid: text('study_uid').notNull().unique(),
  patient: bigint('patient', { mode: 'number' }).notNull(),
  orthancId: text('orthanc_id'),
  createdBy: uuid('created_by'),
  createdAt: createdAt(),
  institution: textColumn('institution'),
  patientName: textColumn('patient_name'),
  patientNameKey: textColumn('patient_name_key'),
  patientBirthDate: textColumn('patient_birth_date'),
  patientSex: textColumn('patient_sex'),
  studyDate: textColumn('study_date'),
  studyTime: textColumn('study_time'),
  studyId: textColumn('study_id'),
  accessionNumber: textColumn('accession_number'),
  studyDescription: textColumn('study_description'),
  studyDescriptionKey: textColumn('study_description_key'),
  referringPhysician: textColumn('referring_physician'),
  referringPhysicianKey: textColumn('referring_physician_key'),
  modalities: textArray('modalities'),
  imageModalities: textArray('image_modalities'),
  seriesCount: countColumn('series_count'),
  instanceCount: countColumn('instance_count'),
  rejectedCount: countColumn('rejected_count'),
  revision: bigint('revision', { mode: 'number' }).notNull().default(0),
  // When the study last lost or replaced an instance. A trigger sets it.
  shrunkAt: timestampColumn('shrunk_at'),
});

export const series = pgTable('series', {
  id: serial(),
  seriesUid: text('series_uid').notNull().unique(),
  study: bigint('study', { mode: 'number' }).notNull(),
  orthancId: text('orthanc_id'),
  modality: textColumn('modality'),
  seriesNumber: integer('series_number'),
  seriesDescription: textColumn('series_description'),
  seriesDescriptionKey: textColumn('series_description_key'),
  seriesDate: textColumn('series_date'),
  seriesTime: textColumn('series_time'),
  bodyPart: textColumn('body_part'),
  laterality: textColumn('laterality'),
  protocolName: textColumn('protocol_name'),
  performedDate: textColumn('performed_date'),
  performedTime: textColumn('performed_time'),
  // The items of Request Attributes Sequence. Null if the gateway has not yet read them from the first file of the series.
  requestSteps: text('request_steps').array(),
  requestProcedures: text('request_procedures').array(),
  instanceCount: countColumn('instance_count'),
  revision: bigint('revision', { mode: 'number' }).notNull().default(0),
});

export const instances = pgTable('instances', {
  id: serial(),
  sopUid: text('sop_uid').notNull().unique(),
  series: bigint('series', { mode: 'number' }).notNull(),
  sopClassUid: text('sop_class_uid').notNull(),
  modality: textColumn('modality'),
  transferSyntax: text('transfer_syntax').notNull(),
  instanceNumber: integer('instance_number'),
  pixelRows: integer('pixel_rows'),
  pixelColumns: integer('pixel_columns'),
  bitsAllocated: integer('bits_allocated'),
  frames: countColumn('frames'),
  orthancId: text('orthanc_id').notNull().unique(),
  size: bigint('size', { mode: 'number' }),
  sha256: bytea('sha256'),
  fileUuid: text('file_uuid'),
  irregular: boolean('irregular').notNull().default(false),
  storedBy: uuid('stored_by'),
  storedAt: timestampColumn('stored_at').notNull().defaultNow(),
});

/** A rejection of a study, series or instance. `seriesUid` and `sopUid` are null if the rejected object is on a higher level. */
export const rejections = pgTable('rejections', {
  id: id(),
  study: bigint('study', { mode: 'number' }).notNull(),
  seriesUid: text('series_uid'),
  sopUid: text('sop_uid'),
  reason: text('reason'),
  accountId: uuid('account_id'),
  rejectedAt: timestampColumn('rejected_at')
    .notNull()
    .default(sql`clock_timestamp()`),
  instances: countColumn('instances'),
  restoredAt: timestampColumn('restored_at'),
  purgeRequestedBy: uuid('purge_requested_by'),
  purgeRequestedAt: timestampColumn('purge_requested_at'),
  purgingAt: timestampColumn('purging_at'),
});

/** Legal holds on a study or on a patient. Nothing of them is purged until the hold is released. */
export const legalHolds = pgTable('holds', {
  id: id(),
  studyUid: text('study_uid'),
  issuer: text('issuer'),
  patientId: text('patient_id'),
  reason: text('reason').notNull(),
  accountId: uuid('account_id'),
  releasedBy: uuid('released_by'),
  releasedAt: timestampColumn('released_at'),
});

/** The rejected instances. No instance has a row in both `instances` and this table. Functions of migration 0092 move the rows. */
export const rejectedInstances = pgTable('rejected_instances', {
  id: bigint('id', { mode: 'number' }).primaryKey(),
  sopUid: text('sop_uid').notNull().unique(),
  series: bigint('series', { mode: 'number' }).notNull(),
  transferSyntax: text('transfer_syntax').notNull(),
  orthancId: text('orthanc_id').notNull().unique(),
  sha256: bytea('sha256'),
  rejection: uuid('rejection').notNull(),
});

/** Reserved keys of instances that are being uploaded. If `expires_at` is in the past, the upload was interrupted. */
export const pending = pgTable('pending', {
  sopUid: text('sop_uid').primaryKey(),
  series: bigint('series', { mode: 'number' }).notNull(),
  holder: uuid('holder').notNull(),
  accountId: uuid('account_id'),
  transferSyntax: text('transfer_syntax'),
  sha256: bytea('sha256'),
  expiresAt: timestampColumn('expires_at').notNull(),
});

/** The watcher's position in Orthanc's change feed, and the Orthanc ids of earlier instances that still wait to be inserted. */
export const archiveCursor = pgTable('archive_cursor', {
  sole: boolean('sole').primaryKey().default(true),
  archive: text('archive').notNull(),
  position: bigint('position', { mode: 'number' }).notNull(),
  deferred: text('deferred').array().notNull().default([]),
});

/** A group of quarantined instances that get the same decision. These instances belong to one study in Orthanc and have the same reason. */
export const quarantine = pgTable('quarantine', {
  id: id(),
  orthancStudy: text('orthanc_study').notNull(),
  reason: text('reason', {
    enum: ['contradicts', 'altered', 'unusable', 'unreadable', 'other-patient'],
  }).notNull(),
  since: timestampColumn('since')
    .notNull()
    .default(sql`clock_timestamp()`),
});

/** A quarantined instance, with values from its header. */
export const quarantined = pgTable('quarantined', {
  orthancId: text('orthanc_id').primaryKey(),
  quarantine: uuid('quarantine').notNull(),
  studyUid: textColumn('study_uid'),
  seriesUid: textColumn('series_uid'),
  sopUid: textColumn('sop_uid'),
  patientId: textColumn('patient_id'),
  issuer: textColumn('issuer'),
  modality: textColumn('modality'),
  /** The id of the open decision about this instance. */
  decision: uuid('decision'),
});

/** A decision about a group of quarantined instances. The decision is committed before Orthanc is changed. */
export const quarantineDecisions = pgTable('quarantine_decisions', {
  id: id(),
  quarantine: uuid('quarantine').notNull(),
  decision: text('decision', { enum: ['accept', 'discard', 're-identify'] }).notNull(),
  newPatientId: text('new_patient_id'),
  newIssuer: text('new_issuer'),
  newUids: boolean('new_uids').notNull().default(false),
  state: text('state', { enum: ['open', 'done', 'refused'] })
    .notNull()
    .default('open'),
  instances: countColumn('instances'),
  holder: uuid('holder').notNull(),
  heldUntil: timestampColumn('held_until').notNull(),
  decidedAt: timestampColumn('decided_at')
    .notNull()
    .default(sql`clock_timestamp()`),
  endedAt: timestampColumn('ended_at'),
});
