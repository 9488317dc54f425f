import { Inject, Injectable } from '@nestjs/common';
import { eq, inArray, sql } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { importReviews } from '../../database/schema.records.js';
import { type Difference, differencesOf, pairDigest } from '../../mapping/person.js';
import { type IdentityKey, patientKey } from '../../mapping/values/identity.js';
import { SealedBox } from '../../secrets/sealed.box.js';
import { isIdentityOf, type KnownResources, patientsOf } from './patient.matching.js';
import { type IdentityVerdict, type PlannedRow } from './row.decision.js';
import { type OtherSide, packSides, REVIEW_PURPOSE } from './review.sides.js';

/** A row that contradicts a patient with the same identifier. */
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

  /**
   * Compares rows with the patients on the server that have the same identifiers. Returns a verdict for each row that contradicts its
   * patient. A row that fits several patients has no verdict, because it is rejected anyway. `joined` is the result of {@link joined}.
   */
  async judge(
    importId: string,
    rows: readonly PlannedRow[],
    known: KnownResources,
    { key, joined }: { readonly key: IdentityKey; readonly joined: ReadonlySet<string> },
  ): Promise<ReadonlyMap<number, IdentityVerdict>> {
    const conflicts = rows.flatMap((planned): IdentityConflict[] => {
      const [patient, ...more] = patientsOf(planned.plan, known);
      if (patient === undefined || more.length > 0) return [];
      const differences = differencesOf(planned.plan.patient, patient);
      return differences.length === 0 ? [] : [{ planned, other: { patient }, differences }];
    });
    const decided = rows.filter(({ plan }) => plan.isSeparated === true || joined.has(plan.person));
    if (conflicts.length === 0 && decided.length === 0) return new Map();
    return this.database.transaction(async (transaction) => {
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
      verdicts.set(row, { review: review.id, verdict: verdictOf(review) });
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

function digestsOf({ planned: { plan }, other }: IdentityConflict, key: IdentityKey) {
  const shared = plan.identities.filter((identity) => isIdentityOf(identity, other.patient));
  const disputed = shared.map(({ system, value }) => patientKey(key, system, value));
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

/** A row whose person is new gets another plan. If this row has the old plan, the decision is newer, and the row waits until it runs again. */
const verdictOf = ({ decision }: StoredReview): IdentityVerdict =>
  decision === 'same' || decision === 'reject' ? decision : 'wait';

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
