import { Body, Controller, Get, HttpCode, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Gives } from '../http/response.shape.js';
import { BodyOf } from '../http/body.pipe.js';
import { QueryOf } from '../http/query.pipe.js';
import { Requires } from '../authz/authz.guard.js';
import { Right } from '../authz/rights.js';
import { Explanation, Explanations } from './explain.service.js';
import { scopeNoteOf } from './grants.service.js';
import { Effects, WhatIf, WhatIfs } from './what.if.service.js';

/** The query parameters of an explanation: an account, a study and a right. The default right is `studies:read`. */
const Question = z.strictObject({
  user: z
    .string()
    .min(1)
    .max(128)
    .regex(/^\P{Cc}*$/u),
  study: z
    .string()
    .max(64)
    .regex(/^[0-9.]+$/),
  right: Right.refine((right) => right.startsWith('studies:')).default('studies:read'),
});
type Question = z.output<typeof Question>;

@Controller('api/access')
@Requires('access:manage')
export class AccessController {
  constructor(
    private readonly explanations: Explanations,
    private readonly whatIfs: WhatIfs,
  ) {}

  /**
   * Explains why `user` has or does not have the `right` over `study`. The response names the group, the grant and the rule, or the first
   * missing condition. `user` is an id, a username or the name of a machine account. For `studies:store`, a study that does not exist is
   * treated as a new study. Returns 404 for an unknown user.
   */
  @Get('explain')
  @Gives(Explanation)
  explain(
    @Query(new QueryOf(Question)) { user, study, right }: Question,
    @Req() request: FastifyRequest,
  ): Promise<Explanation> {
    request.auditNote = { studyUid: study, detail: { user, right } };
    return this.explanations.explain(user, study, right);
  }

  /**
   * Shows which members of a group would gain or lose which studies if a grant were added or removed. This route changes nothing. Returns
   * 404 for an unknown group or grant.
   */
  @Post('what-if')
  @HttpCode(200)
  @Gives(Effects)
  whatIf(@Body(new BodyOf(WhatIf)) body: WhatIf, @Req() request: FastifyRequest): Promise<Effects> {
    request.auditNote = { ...(body.add && scopeNoteOf(body.add)), detail: { ...body } };
    return this.whatIfs.ask(body);
  }
}
