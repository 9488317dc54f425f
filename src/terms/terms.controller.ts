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
import { DecisionBody, IgnoreBody } from './term.target.js';
import { Suggestion } from './term.suggesters.js';
import { ServerUse } from './terminology.service.js';
import { TermsQuery } from './terms.query.js';
import { Term, Terms } from './terms.service.js';

const Suggestions = pageOf(Suggestion).extend({ server: ServerUse });
const Imported = z.object({ taken: z.int(), left_out: z.int() });
const MapQuery = z.strictObject({ confirm: z.enum(['true', 'false']).default('false') });

@Controller('api/terms')
export class TermsController {
  constructor(
    private readonly terms: Terms,
    private readonly decisions: Decisions,
  ) {}

  /**
   * Lists the words of the inbox. By default, words with the most waiting rows are first. Filters: `state`, `language`, `import` (the words
   * that rows of this import wait for), and `q`, which is a part of the word. Returns 400 for an invalid query.
   */
  @Get()
  @Gives(pageOf(Term))
  @Requires('records:read')
  list(@Query(new QueryOf(TermsQuery)) query: TermsQuery): Promise<{ items: Term[]; total: number }> {
    return this.terms.list(query);
  }

  /** Returns the decisions as a ConceptMap of FHIR R4. An ignored word is `unmatched`. */
  @Get('concept-map')
  @Gives(DecisionMap)
  @Requires('records:read')
  exportMap(): Promise<DecisionMap> {
    return this.decisions.export();
  }

  /**
   * Imports decisions from a ConceptMap. Returns the number of imported words and of words that were left out, or 422 when the ConceptMap
   * is invalid. Returns 409 with the number of `affected` records if a decision changes an earlier decision that has given records. With
   * `confirm=true`, a job corrects these records.
   */
  @Post('concept-map')
  @HttpCode(200)
  @Gives(Imported)
  @Requires('terms:decide')
  importMap(
    @Audited() action: AuditedAction,
    @Body(new BodyOf(TermConceptMap)) map: TermConceptMap,
    @Query(new QueryOf(MapQuery)) { confirm }: z.output<typeof MapQuery>,
    @Who() account: Account,
  ): Promise<{ taken: number; left_out: number }> {
    return this.decisions.import(action, map, confirm === 'true', account);
  }

  /**
   * Suggests concepts for a word, best first. `server` is `asked`, `away` (the terminology server is unreachable), `off` (no terminology
   * server is configured) or `withheld` (the word can contain personal data and was not sent).
   */
  @Get(':id/suggestions')
  @Gives(Suggestions)
  @Requires('records:read')
  async suggestions(
    @Param('id', new IdPipe()) id: string,
    @Req() request: FastifyRequest,
  ): Promise<z.output<typeof Suggestions>> {
    request.auditNote = { detail: { term: id } };
    const { items, server } = await this.terms.suggestions(id);
    return { items, total: items.length, server };
  }

  /**
   * Decides the concept of a word. The rows that wait for the word run again. Returns 409 with the number of `affected` records if the
   * decision changes an earlier decision that has given records. With `confirm`, a job corrects these records: it marks the old records as
   * `entered-in-error` and writes the new records. Returns 422 for an invalid code and for a code that cannot be of this kind.
   */
  @Post(':id/decide')
  @Gives(Term)
  @HttpCode(200)
  @Requires('terms:decide')
  decide(
    @Audited() action: AuditedAction,
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(DecisionBody)) { confirm, reason, ...target }: DecisionBody,
    @Who() account: Account,
  ): Promise<Term> {
    return this.terms.decide(action, id, target, { confirm, reason }, account);
  }

  /**
   * Ignores a word. The rows that wait for the word run again without this word. Returns 409 like a decision if the word has given records.
   * With `confirm`, a job marks these records as `entered-in-error`.
   */
  @Post(':id/ignore')
  @Gives(Term)
  @HttpCode(200)
  @Requires('terms:decide')
  ignore(
    @Audited() action: AuditedAction,
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(IgnoreBody)) how: z.output<typeof IgnoreBody>,
    @Who() account: Account,
  ): Promise<Term> {
    return this.terms.decide(action, id, undefined, how, account);
  }
}
