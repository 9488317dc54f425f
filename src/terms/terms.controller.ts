import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Gives, pageOf } from '../http/response.shape.js';
import { Audited, AuditedAction } from '../audit/audited.actions.js';
import { Who } from '../authn/access.decorators.js';
import type { Account } from '../authn/account.js';
import { BodyOf, IdPipe } from '../http/body.pipe.js';
import { QueryOf } from '../http/query.pipe.js';
import { Requires } from '../authz/authz.guard.js';
import { TermConceptMap } from '../mapping/words/concept.map.js';
import { DecisionMap } from './decisions.map.js';
import { Decisions } from './decisions.service.js';
import { DecidedTarget } from './term.target.js';
import { Suggestion } from './term.suggesters.js';
import { ServerPart } from './terminology.service.js';
import { TermsQuery } from './terms.query.js';
import { Term, Terms } from './terms.service.js';

const Ideas = pageOf(Suggestion).extend({ server: ServerPart });
const TakenIn = z.object({ taken: z.int(), left_out: z.int() });
const Nothing = z.strictObject({}).prefault({});

@Controller('api/terms')
export class TermsController {
  constructor(
    private readonly terms: Terms,
    private readonly decisions: Decisions,
  ) {}

  /** The inbox: words by `state`, `language` and `q`; those that most rows wait for first. 400 for a query that is not valid. */
  @Get()
  @Gives(pageOf(Term))
  @Requires('records:read')
  list(@Query(new QueryOf(TermsQuery)) query: TermsQuery): Promise<{ items: Term[]; total: number }> {
    return this.terms.list(query);
  }

  /** People's decisions as a ConceptMap of FHIR R4; what is ignored is `unmatched`. */
  @Get('concept-map')
  @Gives(DecisionMap)
  @Requires('records:read')
  exportMap(): Promise<DecisionMap> {
    return this.decisions.export();
  }

  /** Takes decisions from such a ConceptMap and says how many; 422 when it is none. */
  @Post('concept-map')
  @HttpCode(200)
  @Gives(TakenIn)
  @Requires('terms:decide')
  importMap(
    @Audited() action: AuditedAction,
    @Body(new BodyOf(TermConceptMap)) map: TermConceptMap,
    @Who() account: Account,
  ): Promise<{ taken: number; left_out: number }> {
    return this.decisions.import(action, map, account);
  }

  /**
   * Ideas what it means, best first; a person takes one or none. `server` is `asked`, `away`, `off` (none is configured) or `withheld` (the
   * word might say who somebody is, and was not told).
   */
  @Get(':id/suggestions')
  @Gives(Ideas)
  @Requires('records:read')
  async suggestions(
    @Param('id', new IdPipe()) id: string,
    @Req() request: FastifyRequest,
  ): Promise<z.output<typeof Ideas>> {
    request.auditNote = { detail: { term: id } };
    const { items, server } = await this.terms.suggestions(id);
    return { items, total: items.length, server };
  }

  /** Says what a word means; the rows that wait for it run again. 422 for a code that cannot be one, or that the terminology server refuses. */
  @Post(':id/decide')
  @Gives(Term)
  @HttpCode(200)
  @Requires('terms:decide')
  decide(
    @Audited() action: AuditedAction,
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(DecidedTarget)) target: z.output<typeof DecidedTarget>,
    @Who() account: Account,
  ): Promise<Term> {
    return this.terms.decide(action, id, target, account);
  }

  /** Says that a word means nothing to record; the rows that wait for it run again without it. */
  @Post(':id/ignore')
  @Gives(Term)
  @HttpCode(200)
  @Requires('terms:decide')
  ignore(
    @Audited() action: AuditedAction,
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(Nothing)) _: z.output<typeof Nothing>,
    @Who() account: Account,
  ): Promise<Term> {
    return this.terms.decide(action, id, undefined, account);
  }
}
