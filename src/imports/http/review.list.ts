import { Inject, Injectable } from '@nestjs/common';
import { and, desc, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { DATABASE, type Database } from '../../database/database.module.js';
import { importReviewRows, importReviews, REVIEW_DECISIONS } from '../../database/schema.records.js';
import { ListQuery } from '../../http/query.pipe.js';
import { DIFFERENCES } from '../../mapping/person.js';
import { NotVisible } from '../../problems/errors.js';
import { SealedBox } from '../../secrets/sealed.box.js';
import { REVIEW_PURPOSE, ReviewSides } from '../writing/review.sides.js';

const STATES = ['open', 'decided', 'undoing'] as const;

/** The query parameters of the list of reviews. `import` is the id of an import. */
export const ReviewsQuery = ListQuery.pick({ limit: true, offset: true }).extend({
  state: z.enum(STATES).optional(),
  import: z.uuid().optional(),
});
type ReviewsQuery = z.output<typeof ReviewsQuery>;

/** A review, as the API shows it. `sides` contains patient data. */
export const Review = z.object({
  id: z.uuid(),
  state: z.enum(STATES),
  differences: z
    .array(z.enum(DIFFERENCES))
    .describe(
      'The facts in which both patients differ. Empty if several patients have an identifier of the row.',
    ),
  sides: ReviewSides.nullable().describe(
    'The patients of the review. Null after the rows were deleted because of their age.',
  ),
  rows: z
    .array(z.object({ import_id: z.uuid(), row: z.int() }))
    .describe('The rows that the decision is about, at most 100.'),
  rows_waiting: z
    .int()
    .describe('The number of rows that a decision would run again. Rehearsed rows do not count.'),
  decision: z.enum(REVIEW_DECISIONS).nullable(),
  chosen: z
    .string()
    .nullable()
    .describe('The reference of the Patient that was chosen from several candidates.'),
  decided_by: z.string().nullable(),
  decided_at: z.iso.datetime().nullable(),
  created_at: z.iso.datetime(),
});
export type Review = z.output<typeof Review>;

const Rows = z.array(z.object({ import_id: z.uuid(), row: z.int() }));

const linked = sql`(select coalesce(jsonb_agg(jsonb_build_object('import_id', import_id, 'row', row)), '[]') from (
  select import_id, row from import_review_rows where review = import_reviews.id
  order by import_id, row limit 100) listed)`;
const waiting = sql<number>`(select count(*)::int from import_review_rows link
  join import_rows on import_rows.import_id = link.import_id and import_rows.row = link.row
    and import_rows.state = 'waiting'
  join imports on imports.id = link.import_id and imports.mode = 'commit'
    and imports.status not in ('cancelled', 'failed', 'undone')
  where link.review = import_reviews.id)`;

/** Lists the rows whose identifier belongs to a patient with other facts, or to several patients. */
@Injectable()
export class ReviewList {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly box: SealedBox,
  ) {}

  /** A page of reviews, newest first. */
  async page(query: ReviewsQuery): Promise<{ items: Review[]; total: number }> {
    const { state, import: importId, limit, offset } = query;
    const which = and(
      state === undefined ? undefined : stateIs(state),
      importId === undefined
        ? undefined
        : inArray(
            importReviews.id,
            this.database
              .select({ review: importReviewRows.review })
              .from(importReviewRows)
              .where(eq(importReviewRows.importId, importId)),
          ),
    );
    const items = await this.read(which, limit, offset);
    return { items, total: await this.database.$count(importReviews, which) };
  }

  /** Throws NotVisible when the review does not exist. */
  async get(id: string): Promise<Review> {
    const [review] = await this.read(eq(importReviews.id, id), 1, 0);
    if (review === undefined) throw new NotVisible();
    return review;
  }

  private async read(which: SQL | undefined, limit: number, offset: number): Promise<Review[]> {
    const found = await this.database
      .select({ review: importReviews, rows: linked, waiting })
      .from(importReviews)
      .where(which)
      .orderBy(desc(importReviews.createdAt), importReviews.id)
      .limit(limit)
      .offset(offset);
    return found.map(({ review, rows, waiting: count }) => ({
      id: review.id,
      state: review.undoing ? 'undoing' : review.decision === null ? 'open' : 'decided',
      differences: Review.shape.differences.parse(review.differences),
      sides: review.sides === null ? null : this.open(review.sides),
      rows: Rows.parse(rows),
      rows_waiting: count,
      decision: review.decision,
      chosen: review.chosen === null ? null : `Patient/${review.chosen}`,
      decided_by: review.decidedBy,
      decided_at: review.decidedAt?.toISOString() ?? null,
      created_at: review.createdAt.toISOString(),
    }));
  }

  private open(sides: Buffer): ReviewSides {
    return ReviewSides.parse(JSON.parse(this.box.open(REVIEW_PURPOSE, sides).toString()));
  }
}

const stateIs = (state: (typeof STATES)[number]): SQL =>
  ({
    open: sql`${importReviews.decision} is null and not ${importReviews.undoing}`,
    decided: sql`${importReviews.decision} is not null`,
    undoing: sql`${importReviews.undoing}`,
  })[state];
