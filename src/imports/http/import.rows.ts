import { Injectable } from '@nestjs/common';
import type { OperationOutcome } from '@medplum/fhirtypes';
import { inArray, sql } from 'drizzle-orm';
import { z } from 'zod';
import { importChunks, importRows, ROW_STATES } from '../../database/schema.records.js';
import type { Issue } from '../../mapping/issue.js';
import { Conflict } from '../../problems/errors.js';
import { messageOfIssue, namedIssue, type NamedIssue } from '../../csv/named.issue.js';
import { reportHeader, reportLine } from '../../csv/csv.report.js';
import type { RowsQuery } from './import.query.js';
import { headerOf, readSource } from '../jobs/import.source.js';
import type { ImportReport } from './import.report.js';
import { Imports } from '../jobs/imports.service.js';
import { ChunkStore } from '../writing/chunk.store.js';
import { RowChanges } from '../writing/row.changes.js';
import { RowPages } from './row.pages.js';

const Issues = z.array(
  z.custom<Issue>((value) => typeof value === 'object' && value !== null && 'code' in value),
);
const MOST_ISSUES = 1_000;

/** A row, as the API shows it. `changes` contains patient data. */
export const RowReport = z.object({
  row: z
    .int()
    .describe('The row in which a spreadsheet program shows it. A header in the first line is row 1.'),
  line: z
    .int()
    .nullable()
    .describe('The number of its first line in the file. Null when the rows were deleted.'),
  state: z.enum(ROW_STATES),
  issues: z
    .array(
      z.object({
        severity: z.string(),
        code: z.string(),
        message: z.string(),
        suggestion: z.string(),
        column: z.string().optional().describe('The name of the column in the file.'),
        field: z.string().optional().describe('The name of the column in the mapping.'),
        other_row: z
          .int()
          .optional()
          .describe('The other row that the issue is about, for example of a duplicate.'),
        element: z
          .string()
          .optional()
          .describe('The element that the FHIR server rejected, for example Patient.birthDate.'),
      }),
    )
    .readonly(),
  changes: z.unknown(),
});
export type RowReport = z.output<typeof RowReport>;

/** The members that every OperationOutcome (R4) has. */
export const OutcomeShape = z.looseObject({
  resourceType: z.literal('OperationOutcome'),
  issue: z.array(z.looseObject({ severity: z.string(), code: z.string() })),
});

/** The results of the rows of an import: as a page, as `errors.csv`, and as an OperationOutcome. */
@Injectable()
export class ImportRows {
  constructor(
    private readonly pages: RowPages,
    private readonly imports: Imports,
    private readonly changes: RowChanges,
    private readonly chunks: ChunkStore,
  ) {}

  /** A page of rows in the order of the file, and the total number of rows in the requested state. */
  async page(id: string, query: RowsQuery): Promise<{ items: RowReport[]; total: number }> {
    const { source } = await this.imports.get(id);
    const { rows, total } = await this.pages.page(id, query);
    const changes = await this.changes.of(id, rows);
    const read = await this.chunks.rows(id, [...new Set(rows.map(({ chunk }) => chunk))]);
    const named = namedBy(source);
    const items = rows.map((row) => ({
      row: row.row,
      line: read.get(row.row)?.line ?? null,
      state: row.state,
      issues: named(row.issues),
      changes: changes.get(row.row) ?? [],
    }));
    return { items, total };
  }

  /** Throws Conflict when the rows of the import were deleted because of their age. */
  async mustBeKept(id: string): Promise<void> {
    const { forgottenAt } = await this.imports.get(id);
    if (forgottenAt !== null)
      throw new Conflict(
        'import-rows-deleted',
        'The rows of this import were deleted. Upload the list again.',
      );
  }

  /**
   * Yields the text of `errors.csv`: the rejected and waiting rows with their original cells and issues. A person can correct this file and
   * upload it.
   */
  async *errors(id: string): AsyncGenerator<string> {
    const record = await this.imports.get(id);
    if (record.source === null) return;
    const { header, delimiter } = readSource(record.source);
    const named = namedBy(record.source);
    yield reportHeader(header, delimiter);
    const counts = sql`${importChunks.rejected} + ${importChunks.waiting} > 0`;
    const states = inArray(importRows.state, ['rejected', 'waiting']);
    for await (const rows of this.pages.batches(id, counts, states)) {
      const found = await this.chunks.rows(id, [...new Set(rows.map(({ chunk }) => chunk))]);
      let lines = '';
      for (const { row, issues } of rows) {
        const read = found.get(row);
        if (read !== undefined) lines += reportLine(read, header, named(issues), delimiter);
      }
      yield lines;
    }
  }

  /**
   * The issues of an import as an OperationOutcome with at most 1,000 entries. The first entry is a summary with the number of all issues.
   */
  async outcome(id: string): Promise<OperationOutcome> {
    const report = await this.imports.report(id);
    const named = namedBy(report.source);
    const issues = [summaryOf(report), ...failureOf(report), ...findingsOf(report)];
    const counts = sql`${importChunks.reasons} <> '{}'`;
    for await (const rows of this.pages.batches(id, counts, sql`${importRows.issues} <> '[]'`)) {
      for (const { row, issues: of } of rows)
        for (const one of named(of))
          if (issues.length < MOST_ISSUES)
            issues.push(
              outcomeOf({ ...one, message: messageOfIssue(one) }, [
                `row ${row}${one.column === undefined ? '' : `, column ${one.column}`}`,
              ]),
            );
      if (issues.length >= MOST_ISSUES) break;
    }
    return { resourceType: 'OperationOutcome', issue: issues };
  }
}

/** Returns a function that parses stored issues and names their columns as the file does. `stored` is the source of the import. */
function namedBy(stored: unknown): (issues: unknown) => NamedIssue[] {
  const header = stored === null || stored === undefined ? undefined : headerOf(readSource(stored));
  return (issues) =>
    Issues.parse(issues).map((one) => (header === undefined ? one : namedIssue(one, header)));
}

type OutcomeIssue = NonNullable<OperationOutcome['issue']>[number];

function summaryOf({ status, rows_done, rows_total, reasons, failure }: ImportReport): OutcomeIssue {
  const total = Object.values(reasons).reduce((sum, count) => sum + count, 0);
  const summary = `${status}: ${rows_done} of ${rows_total} rows done, ${total} issues`;
  const diagnostics = failure === null ? summary : `${summary}, ${failure}`;
  return { severity: 'information', code: 'informational', diagnostics };
}

/** The entry for the failure of the whole file. The result is empty when the file has no failure. */
function failureOf({ failure, failure_details: details }: ImportReport): OutcomeIssue[] {
  if (failure === null || details === null) return [];
  const columns = details.columns.map((column) => `column ${column}`);
  return [outcomeOf({ severity: 'error', code: failure, ...details }, columns)];
}

/** The entries for the findings about the whole file. */
const findingsOf = ({ findings }: ImportReport): OutcomeIssue[] =>
  findings.map(({ columns, rows, ...texts }) =>
    outcomeOf(texts, [...columns.map((column) => `column ${column}`), ...rows.map((row) => `row ${row}`)]),
  );

type IssueTexts = Pick<Issue, 'severity' | 'message' | 'suggestion'> & { readonly code: string };

function outcomeOf({ severity, code, message, suggestion }: IssueTexts, expression: string[]): OutcomeIssue {
  return {
    severity,
    code: severity === 'error' ? 'invalid' : 'informational',
    details: { coding: [{ system: 'urn:radgate:import-code', code }], text: message },
    diagnostics: suggestion,
    ...(expression.length === 0 ? {} : { expression }),
  };
}
