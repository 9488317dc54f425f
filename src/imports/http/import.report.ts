import { z } from 'zod';
import { readFindings } from '../jobs/import.source.js';
import { ISSUE_CODES } from '../../mapping/issue.codes.js';
import { IMPORT_STATUS, type imports, MAPPING_CHOICES } from '../../database/schema.records.js';

const number = z.number().default(0);

/** The number of rows in each state, the number of issues by code, and the conflicts of an undo. */
export const Counters = z.object({
  created: number,
  updated: number,
  unchanged: number,
  rejected: number,
  waiting: number,
  duplicate: number,
  reasons: z.record(z.string(), z.number()).default({}),
  /**
   * Resources that were not undone, because somebody else had changed them or a later import uses them. At most 1,000 of these resources
   * are listed.
   */
  undo_conflicts: z.array(z.object({ row: z.number(), resource: z.string() })).default([]),
});
export type Counters = z.output<typeof Counters>;

/** The messages and suggestions of failures, by code. The code `internal` means that a job failed. The file is not the cause. */
const FAILURES = new Map(ISSUE_CODES).set('internal', {
  severity: 'error',
  message: 'A job of the import failed too often.',
  suggestion: 'See the log of the gateway for the error, then retry the import.',
});

/** An import, as the API shows it. */
export const ImportReport = Counters.extend({
  file_id: z.uuid(),
  status: z.enum(IMPORT_STATUS),
  undoing: z
    .boolean()
    .describe('An undo was requested and has not ended. Until then, `status` does not change.'),
  failure: z.string().nullable(),
  failure_details: z
    .object({ message: z.string(), suggestion: z.string(), columns: z.array(z.string()) })
    .nullable()
    .describe('The text of the failure, what to do, and the affected columns of the mapping.'),
  mode: z.enum(['commit', 'rehearse']),
  file_name: z.string(),
  bytes: z.int(),
  sha256: z.string(),
  mapping: z
    .object({ name: z.string(), version: z.int() })
    .nullable()
    .describe('The mapping of the import. Null until it is chosen.'),
  mapping_choice: z
    .enum(MAPPING_CHOICES)
    .describe(
      'Who chose the mapping: the upload (`named`), the columns of the file, an `earlier` list of the facility with the same columns, or a person. `open`: nobody yet.',
    ),
  as_of: z.string().nullable(),
  corrections: z.enum(['reject', 'amend']),
  facility: z.string().nullable().describe('The URI of the facility that sent the list.'),
  sheet: z.string().nullable().describe('The requested sheet of a workbook.'),
  source: z
    .unknown()
    .describe('How the file was read: encoding and delimiter with their reasons, and columns.'),
  findings: z
    .array(
      z.object({
        severity: z.enum(['error', 'warning', 'information']),
        code: z.string(),
        message: z.string(),
        suggestion: z.string(),
        columns: z.array(z.string()).readonly(),
        rows: z.array(z.int()).readonly(),
      }),
    )
    .describe('Findings about the whole file, for example ignored columns. Rows are imported all the same.'),
  rows_total: z.int(),
  rows_done: z.int(),
  percent: z.int(),
  account: z.string(),
  created_at: z.iso.datetime(),
  finished_at: z.iso.datetime().nullable(),
});
export type ImportReport = z.output<typeof ImportReport>;

/** Builds the report of an import from its row and its counts. */
export function reportOf(
  row: typeof imports.$inferSelect,
  mapping: { readonly name: string; readonly version: number } | null,
  counts: unknown,
): ImportReport {
  const counters = Counters.parse(counts);
  const { created, updated, unchanged, rejected, waiting, duplicate } = counters;
  const done = created + updated + unchanged + rejected + waiting + duplicate;
  return {
    file_id: row.id,
    status: row.status,
    undoing: row.undoing !== null,
    failure: row.failure,
    failure_details: detailsOf(row),
    mode: row.mode,
    file_name: row.fileName,
    bytes: row.bytes,
    sha256: row.sha256.toString('hex'),
    mapping: mapping === null ? null : { name: mapping.name, version: mapping.version },
    mapping_choice: row.mappingChoice,
    as_of: row.asOf,
    corrections: row.corrections,
    facility: row.facility,
    sheet: row.sheet,
    source: row.source,
    findings: readFindings(row.source),
    rows_total: row.rowsTotal,
    rows_done: done,
    percent: row.rowsTotal === 0 ? 0 : Math.floor((100 * done) / row.rowsTotal),
    ...counters,
    account: row.accountName,
    created_at: row.createdAt.toISOString(),
    finished_at: row.finishedAt?.toISOString() ?? null,
  };
}

function detailsOf({ failure, failureColumns: columns }: typeof imports.$inferSelect) {
  const { message, suggestion } = FAILURES.get(failure ?? '') ?? {};
  return message === undefined || suggestion === undefined ? null : { message, suggestion, columns };
}
