import { Inject, Injectable } from '@nestjs/common';
import type { OperationOutcome } from '@medplum/fhirtypes';
import { and, asc, eq, gt, inArray, type SQL } from 'drizzle-orm';
import { z } from 'zod';
import { DATABASE, type Database } from '../database/database.module.js';
import { importRows, ROW_STATES } from '../database/schema.records.js';
import type { Issue } from '../mapping/issue.js';
import { Conflict } from '../problems/errors.js';
import { reportHeader, reportLine } from './csv.report.js';
import type { RowsQuery } from './import.query.js';
import { readSource } from './import.source.js';
import { Imports } from './imports.service.js';
import { MergedRows } from './merged.rows.js';
import { RowChanges } from './row.changes.js';

const Issues = z.array(
  z.custom<Issue>((value) => typeof value === 'object' && value !== null && 'code' in value),
);
const MOST_ISSUES = 1_000;
const ROWS_AT_ONCE = 1_000;

/** One row as the API tells it; `changes` hold values of resources. */
export const RowReport = z.object({
  row: z.int(),
  state: z.enum(ROW_STATES),
  issues: z
    .array(
      z.object({
        severity: z.string(),
        code: z.string(),
        message: z.string(),
        suggestion: z.string(),
        column: z.string().optional(),
      }),
    )
    .readonly(),
  changes: z.unknown(),
});
export type RowReport = z.output<typeof RowReport>;

/** What became of the rows of an import, in the shapes people ask for. */
@Injectable()
export class ImportRows {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly imports: Imports,
    private readonly changes: RowChanges,
    private readonly merged: MergedRows,
  ) {}

  /** A page of rows, in the order of the file. */
  async page(id: string, { state, page, limit }: RowsQuery): Promise<{ items: RowReport[]; total: number }> {
    await this.imports.get(id);
    const which = and(
      eq(importRows.importId, id),
      state === undefined ? undefined : eq(importRows.state, state),
    );
    const rows = await this.database
      .select()
      .from(importRows)
      .where(which)
      .orderBy(asc(importRows.row))
      .limit(limit)
      .offset((page - 1) * limit);
    const changes = await this.changes.of(id, rows);
    const items = rows.map((row) => ({
      row: row.row,
      state: row.state,
      issues: Issues.parse(row.issues),
      changes: changes.get(row.row) ?? [],
    }));
    return { items, total: await this.database.$count(importRows, which) };
  }

  /** Conflict when the rows of an import were removed because they were old. */
  async kept(id: string): Promise<void> {
    const { forgottenAt } = await this.imports.get(id);
    if (forgottenAt !== null) throw new Conflict('The rows of this import are no longer kept.');
  }

  /** `errors.csv`: the rows that were refused or wait, as they were, with the reasons; it may be mended and uploaded again. */
  async *errors(id: string): AsyncGenerator<string> {
    const record = await this.imports.get(id);
    if (record.source === null) return;
    const { header, delimiter } = readSource(record.source);
    yield reportHeader(header, delimiter);
    const states = inArray(importRows.state, ['rejected', 'waiting']);
    for await (const rows of this.batches(id, states)) {
      const found = await this.merged.read(id, [...new Set(rows.map(({ chunk }) => chunk))]);
      let lines = '';
      for (const { row, issues } of rows) {
        const read = found.get(row);
        if (read !== undefined) lines += reportLine(read, header, Issues.parse(issues), delimiter);
      }
      yield lines;
    }
  }

  /** The issues for FHIR people: the first thousand, with how many there are. */
  async outcome(id: string): Promise<OperationOutcome> {
    const report = await this.imports.report(id);
    const total = Object.values(report.reasons).reduce((sum, count) => sum + count, 0);
    const issues: NonNullable<OperationOutcome['issue']> = [];
    for await (const rows of this.batches(id)) {
      for (const { row, issues: of } of rows)
        for (const { severity, code, message, suggestion, column } of Issues.parse(of))
          if (issues.length < MOST_ISSUES)
            issues.push({
              severity,
              code: severity === 'error' ? 'invalid' : 'informational',
              details: { coding: [{ system: 'urn:radgate:import-code', code }], text: message },
              diagnostics: suggestion,
              expression: [`row ${row}${column === undefined ? '' : `, column ${column}`}`],
            });
      if (issues.length >= MOST_ISSUES) break;
    }
    const summary = `${report.status}: ${report.rows_done} of ${report.rows_total} rows done, ${total} issues`;
    const failure = report.failure === null ? '' : `, ${report.failure}`;
    const first = {
      severity: 'information',
      code: 'informational',
      diagnostics: `${summary}${failure}`,
    } as const;
    return { resourceType: 'OperationOutcome', issue: [first, ...issues] };
  }

  private async *batches(id: string, which?: SQL): AsyncGenerator<(typeof importRows.$inferSelect)[]> {
    for (let last = 0; ;) {
      const rows = await this.database
        .select()
        .from(importRows)
        .where(and(eq(importRows.importId, id), gt(importRows.row, last), which))
        .orderBy(asc(importRows.row))
        .limit(ROWS_AT_ONCE);
      if (rows.length > 0) yield rows;
      if (rows.length < ROWS_AT_ONCE) return;
      last = rows.at(-1)?.row ?? last;
    }
  }
}
