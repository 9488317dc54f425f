import type { AnyPgColumn } from 'drizzle-orm/pg-core';
import { type SQL, sql } from 'drizzle-orm';
import { instances, patients, series, studies } from '../database/schema.catalog.js';
import { PROCEDURE_ID, REQUEST_ATTRIBUTES, STEP_ID } from '../dicom/requested.steps.js';

/** The levels of a search (PS3.18 §10.6). */
export type Level = 'study' | 'series' | 'instance';

/**
 * How a key is matched (PS3.4 C.2.2.2). `folded` ignores case and accents. `set` compares with the members of an array. `item` compares
 * with the items of a sequence.
 */
export type Matching = 'text' | 'folded' | 'name' | 'date' | 'time' | 'uid' | 'number' | 'set' | 'item';

/** An attribute that the catalog contains. A search can match and return this attribute without a request to the archive. */
export interface CatalogAttribute {
  /** The tag of the attribute. If the attribute is in the items of a sequence, the tag of the sequence and a dot come first. */
  readonly tag: string;
  readonly keyword: string;
  readonly vr: string;
  readonly level: Level;
  readonly matching: Matching;
  /** The column or SQL expression of the returned value. */
  readonly value: AnyPgColumn | SQL;
  /** The column of the compared value, if the search does not compare the returned value. */
  readonly key?: AnyPgColumn;
}

type Row = readonly [
  tag: string,
  keyword: string,
  vr: string,
  matching: Matching,
  value: AnyPgColumn | SQL,
  key?: AnyPgColumn,
];

const STUDY: readonly Row[] = [
  ['00080020', 'StudyDate', 'DA', 'date', studies.studyDate],
  ['00080030', 'StudyTime', 'TM', 'time', studies.studyTime],
  ['00080050', 'AccessionNumber', 'SH', 'text', studies.accessionNumber],
  ['00080061', 'ModalitiesInStudy', 'CS', 'set', studies.modalities],
  ['00080080', 'InstitutionName', 'LO', 'text', studies.institution],
  [
    '00080090',
    'ReferringPhysicianName',
    'PN',
    'name',
    studies.referringPhysician,
    studies.referringPhysicianKey,
  ],
  ['00081030', 'StudyDescription', 'LO', 'folded', studies.studyDescription, studies.studyDescriptionKey],
  ['00100010', 'PatientName', 'PN', 'name', studies.patientName, studies.patientNameKey],
  ['00100020', 'PatientID', 'LO', 'text', patients.patientId],
  ['00100021', 'IssuerOfPatientID', 'LO', 'text', patients.issuer],
  ['00100030', 'PatientBirthDate', 'DA', 'date', studies.patientBirthDate],
  ['00100040', 'PatientSex', 'CS', 'text', studies.patientSex],
  ['0020000D', 'StudyInstanceUID', 'UI', 'uid', studies.studyUid],
  ['00200010', 'StudyID', 'SH', 'text', studies.studyId],
  ['00201206', 'NumberOfStudyRelatedSeries', 'IS', 'number', studies.seriesCount],
  ['00201208', 'NumberOfStudyRelatedInstances', 'IS', 'number', studies.instanceCount],
];

const SERIES: readonly Row[] = [
  ['00080021', 'SeriesDate', 'DA', 'date', series.seriesDate],
  ['00080031', 'SeriesTime', 'TM', 'time', series.seriesTime],
  ['00080060', 'Modality', 'CS', 'text', series.modality],
  ['0008103E', 'SeriesDescription', 'LO', 'folded', series.seriesDescription, series.seriesDescriptionKey],
  ['00180015', 'BodyPartExamined', 'CS', 'text', series.bodyPart],
  ['00181030', 'ProtocolName', 'LO', 'text', series.protocolName],
  ['0020000E', 'SeriesInstanceUID', 'UI', 'uid', series.seriesUid],
  ['00200011', 'SeriesNumber', 'IS', 'number', series.seriesNumber],
  ['00200060', 'Laterality', 'CS', 'text', series.laterality],
  ['00201209', 'NumberOfSeriesRelatedInstances', 'IS', 'number', series.instanceCount],
  ['00400244', 'PerformedProcedureStepStartDate', 'DA', 'date', series.performedDate],
  ['00400245', 'PerformedProcedureStepStartTime', 'TM', 'time', series.performedTime],
  [
    `${REQUEST_ATTRIBUTES}.${STEP_ID}`,
    'RequestAttributesSequence.ScheduledProcedureStepID',
    'SH',
    'item',
    series.requestSteps,
  ],
  [
    `${REQUEST_ATTRIBUTES}.${PROCEDURE_ID}`,
    'RequestAttributesSequence.RequestedProcedureID',
    'SH',
    'item',
    series.requestProcedures,
  ],
];

const INSTANCE: readonly Row[] = [
  ['00080016', 'SOPClassUID', 'UI', 'uid', instances.sopClassUid],
  ['00080018', 'SOPInstanceUID', 'UI', 'uid', instances.sopUid],
  ['00083002', 'AvailableTransferSyntaxUID', 'UI', 'uid', instances.transferSyntax],
  ['00200013', 'InstanceNumber', 'IS', 'number', instances.instanceNumber],
  ['00280008', 'NumberOfFrames', 'IS', 'number', sql`nullif(${instances.frames}, 0)`],
  ['00280010', 'Rows', 'US', 'number', instances.pixelRows],
  ['00280011', 'Columns', 'US', 'number', instances.pixelColumns],
  ['00280100', 'BitsAllocated', 'US', 'number', instances.bitsAllocated],
];

const at =
  (level: Level) =>
  ([tag, keyword, vr, matching, value, key]: Row): CatalogAttribute => ({
    tag,
    keyword,
    vr,
    level,
    matching,
    value,
    ...(key === undefined ? {} : { key }),
  });

/** All attributes that the catalog can search and return. */
export const CATALOG_ATTRIBUTES: readonly CatalogAttribute[] = [
  ...STUDY.map(at('study')),
  ...SERIES.map(at('series')),
  ...INSTANCE.map(at('instance')),
];
