import type { FoundRow } from './audit.search.js';

type Value = string | number | null;

/** The columns of the file, in order. */
const COLUMNS: readonly (readonly [name: string, of: (row: FoundRow) => Value])[] = [
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

/** The first line (RFC 4180). */
export const CSV_HEADER = `${COLUMNS.map(([name]) => name).join(',')}\r\n`;

/** A row as a line. */
export function csvLine(row: FoundRow): string {
  return `${COLUMNS.map(([, of]) => cell(of(row))).join(',')}\r\n`;
}

/** A client names itself: what a spreadsheet would take for a formula is text. */
function cell(value: Value): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
