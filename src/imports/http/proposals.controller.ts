import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Audited, AuditedAction } from '../../audit/audited.actions.js';
import { Requires } from '../../authz/authz.guard.js';
import { BodyOf, IdPipe } from '../../http/body.pipe.js';
import { Gives } from '../../http/response.shape.js';
import { NewMappingDocument } from '../../mapping/mapping.checks.js';
import { Imports } from '../jobs/imports.service.js';
import { MappingAnswers } from '../jobs/mapping.answers.js';
import { Proposal } from '../jobs/proposal.shape.js';
import { Proposals } from '../jobs/proposals.service.js';
import { ImportId } from './import.id.js';
import { MappingName } from './import.query.js';
import { ImportReport } from './import.report.js';

const Answer = z.strictObject({
  mapping: MappingName.optional()
    .describe('A stored mapping: `name` (its newest version) or `name@version`.')
    .meta({ examples: ['clinic-lab'] }),
  document: NewMappingDocument.optional()
    .describe('A new mapping document. It is stored first.')
    .meta({ examples: [{ format: 1, name: 'clinic-lab', version: 1 }] }),
});

@Controller('api/imports/:id')
export class ProposalsController {
  constructor(
    private readonly imports: Imports,
    private readonly proposals: Proposals,
    private readonly answers: MappingAnswers,
  ) {}

  /**
   * Returns the proposed mapping of an import with the status `needs_mapping`: the meaning of each column, questions, a complete draft, and
   * a preview of the first resources. Returns 409 when the import does not wait for a mapping.
   */
  @Get('proposal')
  @Gives(Proposal)
  @Requires('records:read')
  async proposal(@ImportId() id: string): Promise<Proposal> {
    return this.proposals.of(await this.imports.get(id));
  }

  /**
   * Chooses the mapping of an import with the status `needs_mapping`, and continues the import. Also possible when the import failed because
   * its file could not be read with its mapping. Returns 202, 409 when the import does not wait for a mapping or the version number of the
   * document is not the next number, and 422 when the mapping is unknown or the document is invalid.
   */
  @Post('mapping')
  @HttpCode(202)
  @Gives(ImportReport, 202)
  @Requires('records:import')
  choose(
    @Audited() action: AuditedAction,
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(Answer)) answer: z.output<typeof Answer>,
  ): Promise<ImportReport> {
    return this.answers.answer(action, id, answer);
  }
}
