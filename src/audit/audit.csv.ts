import { type CsvCell, csvLines } from '../csv/csv.writer.js';
import type { FoundRow } from './audit.search.js';

/** The columns of the CSV file, in order. */
const COLUMNS: readonly (readonly [name: string, of: (row: FoundRow) => CsvCell])[] = [
  ['id', (row) => row.id],
  ['at', (row) => row.at?.toISOString() ?? ''],
  ['kind', (row) => row.kind],
  ['account_id', (row) => row.accountId],
  ['account', (row) => row.accountName],
  ['via', (row) => row.via],
  ['address', (row) => row.address],
  ['client', (row) => row.client],
  ['action', (row) => row.action],
  ['study_uid', (row) => row.studyUid],
  ['patient_issuer', (row) => row.patientIssuer],
  ['patient_id', (row) => row.patientId],
  ['status', (row) => row.status],
  ['requests', (row) => row.requests],
  ['instances', (row) => row.instances],
  ['frames', (row) => row.frames],
  ['bytes', (row) => row.bytes],
  ['request_id', (row) => row.requestId],
  ['detail', (row) => (row.detail === null ? null : JSON.stringify(row.detail))],
];

/** The header line of the CSV file. */
export const CSV_HEADER = csvLines([COLUMNS.map(([name]) => name)]);

/** Returns an audit row as a line of the CSV file. */
export const csvLine = (row: FoundRow): string => csvLines([COLUMNS.map(([, of]) => of(row))]);
