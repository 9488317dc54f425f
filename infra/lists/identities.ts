import type { RecordsClient, ReviewSide, WaitingReview } from '../demo/records.client.ts';
import type { Asking } from './words.ts';

const DECISIONS = new Map([
  ['s', 'same'],
  ['n', 'new'],
  ['r', 'reject'],
] as const);

/**
 * Shows both patients of each row of the import that waits for a decision about its identity, asks a person, and sends the decisions. Returns
 * the number of rows of the import that the decisions are about. The answer is `s` for the same person, `n` for a new person, `r` to reject the row, or nothing to leave it
 * for later.
 */
export async function decideIdentities(
  records: RecordsClient,
  importId: string,
  ask: Asking,
): Promise<number> {
  const reviews = await records.waitingReviews(importId);
  let decided = 0;
  for (const [at, review] of reviews.entries()) {
    for (const line of linesOf(review, `Identity ${at + 1} of ${reviews.length}`)) console.log(line);
    const answer = await ask('s = same person, n = new person, r = reject the row, empty = later: ');
    if (answer === undefined) break;
    if (await decideOne(records, review.id, answer.trim().toLowerCase()))
      decided += review.rows.filter((row) => row.import_id === importId).length;
  }
  return decided;
}

async function decideOne(records: RecordsClient, id: string, answer: string): Promise<boolean> {
  if (answer === '') return false;
  const decision = [...DECISIONS].find(([letter]) => letter === answer)?.[1];
  if (decision === undefined) {
    console.log(`${answer} is not one of s, n and r. The row stays for later.`);
    return false;
  }
  const said = await records.decideReview(id, decision);
  console.log(said === '' ? `decided: ${decision}` : said);
  return said === '';
}

function linesOf({ differences, sides, rows_waiting: rows }: WaitingReview, title: string): string[] {
  const heading = `\n${title}: ${rows} rows wait, different: ${differences.join(', ')}`;
  if (sides === null) return [heading, '  Both patients were deleted because of their age.'];
  return [heading, `  list    ${describe(sides.row)}`, `  exists  ${describe(sides.other)}`];
}

function describe({ row, reference, names, birth_date, gender, identifiers }: ReviewSide): string {
  const place = reference ?? (row === undefined ? undefined : `row ${row}`);
  return [
    names.join(' / ') || 'no name',
    birth_date ?? 'no birth date',
    gender ?? 'no gender',
    ...identifiers.map(({ value }) => value),
    ...(place === undefined ? [] : [place]),
  ].join(', ');
}
