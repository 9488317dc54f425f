import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import { canonicalJson } from '../../mapping/canonical.json.js';
import type { LookUp, TermAnswer, TermQuestion } from '../../mapping/words/term.js';
import type { PlannedRow } from './row.decision.js';

/** A word that was looked up to map a row, and the answer of the look-up. */
export type AnsweredWord = readonly [question: TermQuestion, answer: TermAnswer];

/** The plan of a row with the words that the plan depends on. */
export interface StoredPlan extends PlannedRow {
  readonly words: readonly AnsweredWord[];
}

/** The number of rows that are compressed together as a group. A reader has one group in memory at a time. */
const GROUP = 50;
/** The format number of stored plans. Increase it when `RowPlan` changes. Stored plans with another number are ignored. */
const FORMAT = 4;
const FASTEST = { level: 1 };
const LF = 0x0a;

/**
 * The first line of the stored plans. For each group, it contains the first row, the last row and the length in bytes. The groups follow
 * this line.
 */
const Index = z.object({ format: z.int(), groups: z.array(z.tuple([z.int(), z.int(), z.int()])) });
const Group = z.array(
  z.custom<StoredPlan>(
    (value) => typeof value === 'object' && value !== null && 'plan' in value && 'words' in value,
  ),
);

/** Packs the plans of a chunk. The plans must be in the order of the rows. Returns an empty buffer when no row has a plan. */
export function packPlans(plans: readonly StoredPlan[]): Buffer {
  const parts = Array.from({ length: Math.ceil(plans.length / GROUP) }, (_, at) =>
    plans.slice(at * GROUP, (at + 1) * GROUP),
  );
  const bodies = parts.map((part) => deflateRawSync(JSON.stringify(part), FASTEST));
  const groups = parts.map((part, at) => [part[0]?.row, part.at(-1)?.row, bodies[at]?.length]);
  if (groups.length === 0) return Buffer.alloc(0);
  return Buffer.concat([Buffer.from(`${JSON.stringify({ format: FORMAT, groups })}\n`), ...bodies]);
}

interface PackedGroup {
  readonly first: number;
  readonly last: number;
  readonly body: Buffer;
}

/** The plans that were stored with a chunk. Only the group that was read last is in memory. */
export class ChunkPlans {
  private readonly groups: readonly PackedGroup[];
  private current: PackedGroup | undefined;
  private plans = new Map<number, StoredPlan>();

  /** `packed` is the result of {@link packPlans}. If `packed` is missing or has another format, no row has a plan. */
  constructor(packed?: Buffer) {
    this.groups = packed === undefined || packed.length === 0 ? [] : groupsOf(packed);
  }

  /** The plan of a row. Returns undefined when no plan is stored, or when the look-up of a word of the row now gives another answer. */
  planOf(row: number, lookUp: LookUp): PlannedRow | undefined {
    const group = this.groups.find(({ first, last }) => first <= row && row <= last);
    if (group === undefined) return undefined;
    if (group !== this.current) {
      this.current = group;
      const stored = Group.parse(JSON.parse(inflateRawSync(group.body).toString()));
      this.plans = new Map(stored.map((one) => [one.row, one]));
    }
    const found = this.plans.get(row);
    if (found?.words.every(([question, answer]) => isSame(lookUp(question), answer)) !== true)
      return undefined;
    return { row, plan: found.plan, issues: found.issues };
  }
}

function groupsOf(packed: Buffer): PackedGroup[] {
  const end = packed.indexOf(LF);
  const { format, groups } = Index.parse(JSON.parse(packed.subarray(0, end).toString()));
  if (format !== FORMAT) return [];
  let at = end + 1;
  return groups.map(([first, last, length]) => ({ first, last, body: packed.subarray(at, (at += length)) }));
}

const isSame = (one: TermAnswer, other: TermAnswer) => canonicalJson(one) === canonicalJson(other);
