import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Audited, AuditedAction } from '../../audit/audited.actions.js';
import { Who } from '../../authn/access.decorators.js';
import type { Account } from '../../authn/account.js';
import { Requires } from '../../authz/authz.guard.js';
import { REVIEW_DECISIONS } from '../../database/schema.records.js';
import { BodyOf, IdPipe } from '../../http/body.pipe.js';
import { QueryOf } from '../../http/query.pipe.js';
import { Gives, pageOf } from '../../http/response.shape.js';
import { ReviewDecisions } from '../jobs/review.decisions.js';
import { Review, ReviewList, ReviewsQuery } from './review.list.js';

const Decision = z.strictObject({
  decision: z.enum(REVIEW_DECISIONS),
  candidate: z
    .string()
    .max(100)
    .optional()
    .describe(
      'The `reference` of the chosen candidate. Only for `same`, if the review has several candidates.',
    ),
});

@Controller('api/imports/reviews')
export class ReviewsController {
  constructor(
    private readonly reviews: ReviewList,
    private readonly decisions: ReviewDecisions,
  ) {}

  /**
   * Lists the rows whose identifier belongs to a patient with another birth date, gender or given name, or to several patients, newest
   * first. Filters: `state` (`open`, `decided`, `undoing`), and `import`, which is the id of an import.
   */
  @Get()
  @Gives(pageOf(Review))
  @Requires('records:read')
  list(
    @Query(new QueryOf(ReviewsQuery)) query: z.output<typeof ReviewsQuery>,
  ): Promise<{ items: Review[]; total: number }> {
    return this.reviews.page(query);
  }

  /**
   * Decides a review. `same`: both are one person, and the row updates the patient. If the review has several candidates, `candidate`
   * chooses the patient. `new`: the row is written as another patient, without the disputed identifiers. `reject`: the row is not written.
   * The rows that wait run again. Returns 409 when the review has another decision.
   */
  @Post(':id/decide')
  @HttpCode(200)
  @Gives(Review)
  @Requires('records:import')
  async decide(
    @Audited() action: AuditedAction,
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(Decision)) decision: z.output<typeof Decision>,
    @Who() account: Account,
  ): Promise<Review> {
    await this.decisions.decide(action, id, decision, account);
    return this.reviews.get(id);
  }

  /**
   * Undoes the decision of a review. The writes that the rows made because of the decision are undone, and the rows wait again. The state
   * is `undoing` until then. Returns 202, or 409 when the review has no decision or an import of the review runs.
   */
  @Post(':id/undo')
  @HttpCode(202)
  @Gives(Review, 202)
  @Requires('records:import')
  async undo(@Audited() action: AuditedAction, @Param('id', new IdPipe()) id: string): Promise<Review> {
    await this.decisions.undo(action, id);
    return this.reviews.get(id);
  }
}
