import { Inject, Injectable } from '@nestjs/common';
import { and, asc, eq, inArray, isNotNull, sql } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { importReviews } from '../../database/schema.records.js';
import { type Difference, differencesOf, pairDigest } from '../../mapping/person.js';
import type { RowPlan } from '../../mapping/row.plan.js';
import { type IdentityKey, keyedDigest, patientKey } from '../../mapping/values/identity.js';
import { SealedBox } from '../../secrets/sealed.box.js';
import { isIdentityOf, type KnownResources, patientsOf } from './patient.matching.js';
import { type IdentityVerdict, type PlannedRow } from './row.decision.js';
import { type OtherSide, packSides, REVIEW_PURPOSE } from './review.sides.js';

/** A row that contradicts the patient with the same identifier, or whose identifiers belong to several patients. */
export interface IdentityConflict {
  readonly planned: PlannedRow;
  readonly other: OtherSide;
  readonly differences: readonly Difference[];
}

/** A review that decides about a row. */
export interface GoverningReview {
  readonly verdict: IdentityVerdict;
  readonly review: string;
}

/** The inputs of {@link IdentityReviews.judge} that are the same for all rows of a chunk. */
interface JudgeOptions {
  readonly key: IdentityKey;
  /** The result of {@link IdentityReviews.joined}. */
  readonly joined: ReadonlySet<string>;
}

type StoredReview = Pick<typeof importReviews.$inferSelect, 'id' | 'person' | 'pair' | 'decision'>;

/**
 * Finds rows that contradict the patient with the same identifier, and applies the decisions of people. Adds a review for each contradiction
 * without a decision. A second call for the same rows changes nothing.
 */
@Injectable()
export class IdentityReviews {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly box: SealedBox,
  ) {}

  /** The persons that were decided to be new patients, with the digests of their disputed identifiers. */
  async separated(): Promise<ReadonlyMap<string, readonly string[]>> {
    const rows = await this.database
      .select({ person: importReviews.person, disputed: importReviews.disputed })
      .from(importReviews)
      .where(eq(importReviews.decision, 'new'));
    const grouped = Map.groupBy(rows, ({ person }) => person);
    return new Map([...grouped].map(([person, of]) => [person, of.flatMap(({ disputed }) => disputed)]));
  }

  /** The persons that were decided to be the patient with the same identifier. */
  async joined(): Promise<ReadonlySet<string>> {
    const rows = await this.database
      .select({ person: importReviews.person })
      .from(importReviews)
      .where(eq(importReviews.decision, 'same'));
    return new Set(rows.map(({ person }) => person));
  }

  /** The ids of the Patients that were chosen for persons whose identifiers belong to several Patients. The newest decision counts. */
  async chosen(): Promise<ReadonlyMap<string, string>> {
    const rows = await this.database
      .select({ person: importReviews.person, chosen: importReviews.chosen })
      .from(importReviews)
      .where(isNotNull(importReviews.chosen))
      .orderBy(asc(importReviews.decidedAt));
    return new Map(rows.flatMap(({ person, chosen }) => (chosen === null ? [] : [[person, chosen]])));
  }

  /**
   * Compares rows with the patients on the server that have the same identifiers. Returns a verdict for each row that contradicts its
   * patient or fits several patients. A row that is written to the patient that a person has chosen has no verdict.
   */
  async judge(
    importId: string,
    rows: readonly PlannedRow[],
    known: KnownResources,
    { key, joined }: JudgeOptions,
  ): Promise<ReadonlyMap<number, IdentityVerdict>> {
    const suspects = rows.filter(({ plan }) => plan.chosen !== undefined || conflictOf(plan, known));
    const decided = rows.filter(({ plan }) => plan.isSeparated === true || joined.has(plan.person));
    if (suspects.length === 0 && decided.length === 0) return new Map();
    return this.database.transaction(async (transaction) => {
      const chosen = await lockChosen(transaction, suspects);
      const conflicts = suspects.flatMap((planned): IdentityConflict[] => {
        const { chosen: own, ...plan } = planned.plan;
        // The choice was undone after the row was mapped.
        const isUndone = own !== undefined && !chosen.has(`${plan.person} ${own.id}`);
        const conflict = conflictOf(isUndone ? plan : planned.plan, known);
        return conflict === undefined ? [] : [{ planned, ...conflict }];
      });
      await linkDecided(transaction, importId, decided);
      const found = await this.review(transaction, importId, conflicts, key);
      return new Map([...found].map(([row, { verdict }]) => [row, verdict]));
    });
  }

  /** Adds the missing reviews of some conflicts, and links the rows to their reviews. Returns the review of each row. */
  async review(
    transaction: Transaction,
    importId: string,
    conflicts: readonly IdentityConflict[],
    key: IdentityKey,
  ): Promise<ReadonlyMap<number, GoverningReview>> {
    if (conflicts.length === 0) return new Map();
    const keyed = conflicts.map((conflict) => ({ conflict, ...digestsOf(conflict, key) }));
    const pairs = keyed.map(({ pair }) => pair);
    const before = await reviewsOf(transaction, pairs);
    const missing = keyed.filter((one) => governing(one, before)?.decision == null);
    const values = missing.map(({ conflict, pair, disputed }) => ({
      person: conflict.planned.plan.person,
      pair,
      disputed,
      differences: [...conflict.differences],
      sides: this.box.seal(REVIEW_PURPOSE, packSides(conflict.planned, conflict.other)),
      candidates: candidateIds(conflict.other),
    }));
    // Sort the rows, so that two imports lock them in the same order.
    values.sort((one, other) => (`${one.pair} ${one.person}` < `${other.pair} ${other.person}` ? -1 : 1));
    const distinct = [...new Map(values.map((one) => [`${one.pair} ${one.person}`, one])).values()];
    if (distinct.length > 0)
      await transaction
        .insert(importReviews)
        .values(distinct)
        .onConflictDoUpdate({
          target: [importReviews.person, importReviews.pair],
          set: { sides: sql`excluded.sides`, differences: sql`excluded.differences` },
          setWhere: sql`${importReviews.decision} is null`,
        });
    const after = await reviewsOf(transaction, pairs);
    const verdicts = new Map<number, GoverningReview>();
    const links: { row: number; review: string; other_row: number | null }[] = [];
    for (const one of keyed) {
      const review = governing(one, after);
      if (review === undefined) throw new Error('a review that was just stored is missing');
      const { row } = one.conflict.planned;
      verdicts.set(row, { review: review.id, verdict: verdictOf(review, one.conflict) });
      links.push({ row, review: review.id, other_row: one.conflict.other.row ?? null });
    }
    await transaction.execute(sql`
      insert into import_review_rows (import_id, row, review, other_row)
      select ${importId}, row, review, other_row from jsonb_to_recordset(${JSON.stringify(links)}::jsonb)
        as given (row int, review uuid, other_row int)
      on conflict (import_id, row) do update set review = excluded.review, other_row = excluded.other_row`);
    return verdicts;
  }
}

interface KeyedConflict {
  readonly conflict: IdentityConflict;
  readonly pair: string;
}

/** The conflict of a row with the patients on the server that have its identifiers. */
function conflictOf(plan: RowPlan, known: KnownResources): Omit<IdentityConflict, 'planned'> | undefined {
  const candidates = patientsOf(plan, known);
  const [patient, ...more] = candidates;
  if (patient === undefined || patient.id === plan.chosen?.id) return undefined;
  if (more.length > 0) return { other: { patient, candidates }, differences: [] };
  const differences = differencesOf(plan.patient, patient);
  return differences.length === 0 ? undefined : { other: { patient }, differences };
}

const candidateIds = ({ candidates }: OtherSide) => candidates?.flatMap(({ id }) => id ?? []).sort() ?? null;

function digestsOf({ planned: { plan }, other }: IdentityConflict, key: IdentityKey) {
  const others = other.candidates ?? [other.patient];
  const shared = plan.identities.filter((identity) => others.some((one) => isIdentityOf(identity, one)));
  const disputed = shared.map(({ system, value }) => patientKey(key, system, value));
  const ids = candidateIds(other);
  if (ids !== null) return { disputed, pair: keyedDigest(key, ['several', plan.person, ...ids]) };
  return { disputed, pair: pairDigest(key, disputed, plan.patient, other.patient) };
}

/** The review that decides about a conflict. A decision that two persons are the same holds in both directions. */
function governing(
  { conflict, pair }: KeyedConflict,
  reviews: readonly StoredReview[],
): StoredReview | undefined {
  const ofPair = reviews.filter((one) => one.pair === pair);
  return (
    ofPair.find(({ decision }) => decision === 'same') ??
    ofPair.find(({ person }) => person === conflict.planned.plan.person)
  );
}

/**
 * A row whose person is new, or for which a Patient was chosen, gets another plan. If this row has the old plan, the decision is newer, and
 * the row waits until it runs again.
 */
function verdictOf({ decision }: StoredReview, { other }: IdentityConflict): IdentityVerdict {
  if (decision === 'reject') return decision;
  return decision === 'same' && other.candidates === undefined ? decision : 'wait';
}

const reviewsOf = (transaction: Transaction, pairs: readonly string[]): Promise<StoredReview[]> =>
  transaction
    .select({
      id: importReviews.id,
      person: importReviews.person,
      pair: importReviews.pair,
      decision: importReviews.decision,
    })
    .from(importReviews)
    .where(inArray(importReviews.pair, [...pairs]));

/**
 * Links rows whose person was decided in an earlier import to the review with this decision. If the decision is undone, the writes of these
 * rows are undone too.
 */
async function linkDecided(
  transaction: Transaction,
  importId: string,
  rows: readonly PlannedRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const given = JSON.stringify(rows.map(({ row, plan }) => ({ row, person: plan.person })));
  await transaction.execute(sql`
    insert into import_review_rows (import_id, row, review)
    select distinct on (given.row) ${importId}::uuid, given.row, import_reviews.id
    from jsonb_to_recordset(${given}::jsonb) as given (row int, person text)
    join import_reviews on import_reviews.person = given.person and import_reviews.decision in ('new', 'same')
    order by given.row, import_reviews.decided_at desc
    on conflict (import_id, row) do nothing`);
}

/**
 * The choices that are still valid for the rows, as person and id of the Patient. Locks their reviews until the end of the transaction, so
 * that an undo of a choice sees that this import uses it.
 */
async function lockChosen(transaction: Transaction, rows: readonly PlannedRow[]): Promise<Set<string>> {
  const persons = rows.flatMap(({ plan }) => (plan.chosen === undefined ? [] : [plan.person]));
  if (persons.length === 0) return new Set();
  const found = await transaction
    .select({ person: importReviews.person, chosen: importReviews.chosen })
    .from(importReviews)
    .where(and(inArray(importReviews.person, persons), isNotNull(importReviews.chosen)))
    .orderBy(importReviews.id)
    .for('share');
  return new Set(found.map(({ person, chosen }) => `${person} ${chosen ?? ''}`));
}
