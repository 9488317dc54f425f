import type { ImportState } from '../demo/records.client.ts';

const BAR = 30;

/** Draws the progress of an import as a bar over the last line of the terminal. Draws nothing when the output is not a terminal. */
export function drawProgress({ status, percent, rows_done, rows_total }: ImportState): void {
  if (!process.stdout.isTTY) return;
  const done = Math.round((BAR * percent) / 100);
  const bar = `${'█'.repeat(done)}${'░'.repeat(BAR - done)}`;
  process.stdout.write(`\r${bar} ${percent} %  ${rows_done}/${rows_total} rows  ${status}   `);
}

/** Returns the counts of an import and the number of findings by reason code, one line each. */
export function summaryOf(end: ImportState): string {
  const counts = (['created', 'updated', 'unchanged', 'rejected', 'waiting', 'duplicate'] as const)
    .filter((name) => end[name] > 0)
    .map((name) => `${end[name]} ${name}`);
  const done = `${end.status}: ${end.rows_total} rows, ${counts.join(', ') || 'none done'}`;
  const reasons = Object.entries(end.reasons).map(([code, count]) => `  ${count} × ${code}`);
  return [failureOf(end) ?? done, ...reasons].join('\n');
}

function failureOf({ status, failure, failure_details: details }: ImportState): string | undefined {
  if (failure === null) return undefined;
  if (details === undefined || details === null) return `${status} (${failure})`;
  const { message, suggestion, columns } = details;
  const about = columns.length === 0 ? '' : ` Columns of the mapping: ${columns.join(', ')}.`;
  return `${status} (${failure}): ${message}${about} ${suggestion}`;
}

/** The number of rows that a commit writes. */
export const writableRows = ({ rows_total, rejected, duplicate }: ImportState) =>
  rows_total - rejected - duplicate;

/** Returns the next steps for the person who runs the import, one line each. */
export function nextSteps(end: ImportState): string[] {
  const { status, file_id: id, rejected, waiting, rows_total } = end;
  const write = `Write the ${writableRows(end)} of ${rows_total} rows that can be written: npm run import -- ${id} --commit`;
  return [
    ...(status === 'rehearsed' && writableRows(end) > 0 ? [write] : []),
    ...(rejected > 0
      ? [
          `Save the rejected rows, correct them and import that file: npm run import -- ${id} --errors FILE.csv`,
        ]
      : []),
    ...(waiting > 0
      ? [
          `Decide the words and identities (the waiting rows then run again): npm run import -- ${id} --decide, or GET /api/terms and GET /api/imports/reviews`,
        ]
      : []),
  ];
}
