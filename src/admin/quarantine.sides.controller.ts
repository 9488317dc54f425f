import { Controller, Get, Param, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Requires } from '../authz/authz.guard.js';
import { IdPipe } from '../http/body.pipe.js';
import { Gives } from '../http/response.shape.js';
import { NotVisible } from '../problems/errors.js';
import { QuarantineList } from '../sync/quarantine.list.js';
import { QuarantineComparison, QuarantineSides } from '../sync/quarantine.sides.js';

/** Both sides of a contradiction, for the decision about a group of quarantined instances. */
@Controller('api/quarantine')
@Requires('system:operate')
export class QuarantineSidesController {
  constructor(
    private readonly quarantine: QuarantineList,
    private readonly sides: QuarantineSides,
  ) {}

  /**
   * Returns header values of the first instance of the group, next to those of the instance of the catalog that it contradicts. Returns 404
   * when the group no longer waits for a decision.
   */
  @Get(':id/sides')
  @Gives(QuarantineComparison)
  async compare(
    @Req() request: FastifyRequest,
    @Param('id', new IdPipe()) id: string,
  ): Promise<QuarantineComparison> {
    const item = await this.quarantine.get(id);
    if (item === undefined) throw new NotVisible();
    const { issuer: patientIssuer, patient_id: patientId } = item.patient;
    request.auditNote = { studyUid: item.study_uid, patientIssuer, patientId, detail: { id } };
    const comparison = await this.sides.of(id);
    if (comparison === undefined) throw new NotVisible();
    return comparison;
  }
}
