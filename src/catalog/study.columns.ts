import { studies } from '../database/schema.catalog.js';
import type { StudyUid } from '../dicom/uids.js';
import type { RecentStudy } from './recent.studies.js';

/** The columns of the study that {@link RecentStudies} keeps. */
export const STUDY_COLUMNS = {
  studyRow: studies.id,
  revision: studies.revision,
  institution: studies.institution,
  imageModalities: studies.imageModalities,
  createdBy: studies.createdBy,
};

type StudyColumns = { readonly patientIssuer: string; readonly patientId: string } & Pick<
  RecentStudy,
  'studyRow' | 'revision'
> &
  Pick<typeof studies.$inferSelect, 'institution' | 'imageModalities' | 'createdBy'>;

/** The study in a row with {@link STUDY_COLUMNS} and the columns of the patient. */
export function studyOf(studyUid: StudyUid, row: StudyColumns): RecentStudy {
  const { studyRow, revision, patientIssuer: issuer, patientId, institution, imageModalities } = row;
  const createdBy = row.createdBy ?? undefined;
  const facts = { studyUid, issuer, patientId, institution, imageModalities, createdBy };
  return { studyRow, revision, facts };
}

/** Removes the columns that are the same for all instances of a study. */
export function withoutStudy<Row extends StudyColumns>(found: Row) {
  const {
    patientIssuer: _issuer,
    patientId: _id,
    studyRow: _row,
    revision: _revision,
    institution: _institution,
    imageModalities: _modalities,
    createdBy: _account,
    ...row
  } = found;
  return row;
}
