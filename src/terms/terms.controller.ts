import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Who } from '../authn/access.decorators.js';
import type { Account } from '../authn/account.js';
import { BodyOf, IdPipe } from '../authn/body.pipe.js';
import { Requires } from '../authz/authz.guard.js';
import { TermConceptMap } from '../mapping/concept.map.js';
import { BadRequest } from '../problems/errors.js';
import { DecidedTarget } from './term.target.js';
import type { Suggestion } from './similar.words.js';
import { type Term, Terms } from './terms.service.js';

const TermsQuery = z.strictObject({
  state: z.enum(['unmapped', 'ambiguous', 'decided', 'ignored']).optional(),
  limit: z.coerce.number().int().min(0).max(1000).default(100),
  offset: z.coerce.number().int().min(0).default(0),
});
const Nothing = z.strictObject({}).prefault({});

@Controller('api/terms')
export class TermsController {
  constructor(private readonly terms: Terms) {}

  /** The inbox: words by state, those that most rows wait for first. */
  @Get()
  @Requires('records:read', 'terms:decide')
  list(@Query() query: unknown): Promise<{ items: Term[]; total: number }> {
    const parsed = TermsQuery.safeParse(query);
    if (!parsed.success) throw new BadRequest('A query parameter is not valid.');
    return this.terms.list(parsed.data.state, parsed.data.limit, parsed.data.offset);
  }

  /** People's decisions as a ConceptMap of FHIR R4. */
  @Get('concept-map')
  @Requires('records:read', 'terms:decide')
  exportMap(): Promise<TermConceptMap> {
    return this.terms.exportMap();
  }

  /** Takes decisions from such a ConceptMap; 422 when it is none. */
  @Post('concept-map')
  @HttpCode(200)
  @Requires('terms:decide')
  async importMap(
    @Body(new BodyOf(TermConceptMap)) map: TermConceptMap,
    @Who() account: Account,
  ): Promise<{ taken: number }> {
    return { taken: await this.terms.importMap(map, account) };
  }

  /** Known words that look like it. */
  @Get(':id/suggestions')
  @Requires('records:read', 'terms:decide')
  async suggestions(@Param('id', new IdPipe()) id: string): Promise<{ items: Suggestion[]; total: number }> {
    const items = await this.terms.suggestions(id);
    return { items, total: items.length };
  }

  /** Says what a word means; the rows that wait for it run again. 422 for a code that cannot be one. */
  @Post(':id/decide')
  @HttpCode(200)
  @Requires('terms:decide')
  decide(
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(DecidedTarget)) target: z.output<typeof DecidedTarget>,
    @Who() account: Account,
  ): Promise<Term> {
    return this.terms.decide(id, target, account);
  }

  /** Says that a word means nothing to record; the rows that wait for it run again without it. */
  @Post(':id/ignore')
  @HttpCode(200)
  @Requires('terms:decide')
  ignore(
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(Nothing)) _: z.output<typeof Nothing>,
    @Who() account: Account,
  ): Promise<Term> {
    return this.terms.decide(id, undefined, account);
  }
}
