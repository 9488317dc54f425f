import { z } from 'zod';
import { SEALED_LATE } from './seal.chain.js';

const Position = z
  .string()
  .regex(/^\d{1,19}$/)
  .transform(BigInt);
const LateSealRow = z.object({
  kind: z.literal('sealing'),
  action: z.literal(SEALED_LATE),
  at: z.string(),
  detail: z.object({
    rows: z.int().min(1),
    from: z.string(),
    to: z.string(),
    first_seal: Position,
    last_seal: Position,
  }),
});

interface Late {
  rows: number;
  from: string;
  to: string;
  readonly first: bigint;
  last: bigint;
  /** The position of another seal: the seal of the audit row that records these late seals. */
  end: bigint;
  sealedAt: string;
}

/** Collects the audit rows that record late seals. If the seals of two such rows are adjacent, the rows are merged into one group. */
export class LateSeals {
  private readonly found: Late[] = [];

  /**
   * Adds an audit row. `position` is the position of the seal of the row, and `text` is the row as PostgreSQL's `to_jsonb` text. Rows that
   * do not record late seals are ignored.
   */
  add(position: string, text: string): void {
    if (!text.includes(SEALED_LATE)) return;
    const row = LateSealRow.safeParse(JSON.parse(text));
    if (!row.success) return;
    const { at, detail } = row.data;
    const { rows, from, to, first_seal: first, last_seal: last } = detail;
    const before = this.found.at(-1);
    if (before === undefined || before.end + 1n !== first) {
      this.found.push({ rows, from, to, first, last, end: BigInt(position), sealedAt: at });
      return;
    }
    before.rows += rows;
    before.last = last;
    before.end = BigInt(position);
    before.sealedAt = at;
    // PostgreSQL writes all these times in one time zone. Comparing the texts therefore also compares the times.
    if (from < before.from) before.from = from;
    if (to > before.to) before.to = to;
  }

  /** Returns one line for each group. */
  lines(): string[] {
    return this.found.map(
      ({ rows, from, to, first, last, sealedAt }) =>
        `${rows} rows from ${from} to ${to} were sealed late (seals ${first} to ${last}, until ${sealedAt}): changes before they were sealed cannot be detected`,
    );
  }
}
