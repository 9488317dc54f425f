import { z } from 'zod';
import { SEALED_LATE } from './seal.chain.js';

const Position = z
  .string()
  .regex(/^\d{1,19}$/)
  .transform(BigInt);
const Told = z.object({
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
  /** The seal of the row that tells. */
  end: bigint;
  sealedAt: string;
}

/** Collects what rows of the audit say of other rows that were sealed late; goes that follow each other become one. */
export class LateSeals {
  private readonly found: Late[] = [];

  /** Takes the row of the seal at this position, as PostgreSQL's `to_jsonb` text; most rows are of another kind. */
  add(position: string, text: string): void {
    if (!text.includes(SEALED_LATE)) return;
    const told = Told.safeParse(JSON.parse(text));
    if (!told.success) return;
    const { at, detail } = told.data;
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
    // PostgreSQL writes times of one zone so that their text sorts as they do.
    if (from < before.from) before.from = from;
    if (to > before.to) before.to = to;
  }

  /** One line for each. */
  lines(): string[] {
    return this.found.map(
      ({ rows, from, to, first, last, sealedAt }) =>
        `${rows} rows from ${from} to ${to} were sealed late (seals ${first} to ${last}, until ${sealedAt}): changes before they were sealed cannot be detected`,
    );
  }
}
