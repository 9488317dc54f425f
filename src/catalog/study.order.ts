import { type SQL, sql } from 'drizzle-orm';

/** The values that can sort a list of studies. */
const STUDY_SORTS = [
  'date',
  'patient',
  'patient_id',
  'birth_date',
  'modality',
  'description',
  'accession',
  'institution',
  'images',
] as const;
type StudySort = (typeof STUDY_SORTS)[number];

/** The orders of a list of studies. A preceding `-` means descending. */
export const STUDY_ORDERS = STUDY_SORTS.flatMap((sort) => [sort, `-${sort}`] as const);
export type StudyOrder = (typeof STUDY_ORDERS)[number];

/** The newest study comes first. The order ends with a unique key, so that the order of the pages is stable. */
export const NEWEST_FIRST = sql`study_date desc, study_time desc, study desc`;

/** The SQL expression of each value. NULL is a missing value. */
const VALUES: Record<Exclude<StudySort, 'date'>, SQL> = {
  patient: sql`nullif(studies.patient_name_key, '')`,
  patient_id: sql`nullif(lower(patients.patient_id), '')`,
  birth_date: sql`nullif(studies.patient_birth_date, '')`,
  modality: sql`nullif(array_to_string(studies.modalities, ' '), '')`,
  description: sql`nullif(studies.study_description_key, '')`,
  accession: sql`nullif(lower(studies.accession_number), '')`,
  institution: sql`nullif(lower(studies.institution), '')`,
  images: sql`studies.instance_count`,
};

/** The column that an order needs besides the keys of a study, and the order itself. Studies without the value come last. */
export function studyOrderOf(order: StudyOrder): { readonly value: SQL | undefined; readonly order: SQL } {
  const isDescending = order.startsWith('-');
  const sort = STUDY_SORTS.find((name) => name === order.replace(/^-/, '')) ?? 'date';
  if (sort === 'date')
    return { value: undefined, order: isDescending ? NEWEST_FIRST : sql`study_date, study_time, study` };
  const direction = isDescending ? sql`desc` : sql`asc`;
  return { value: VALUES[sort], order: sql`sort_value ${direction} nulls last, ${NEWEST_FIRST}` };
}
