import { Controller, Get, Header, Param, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Gives } from '../../http/response.shape.js';
import { May, Requires } from '../../authz/authz.guard.js';
import type { Policy } from '../../authz/policy.js';
import { Right } from '../../authz/rights.js';
import { Lookup } from '../../catalog/lookup.service.js';
import { StudyUid } from '../../dicom/uids.js';

/** The rights that the caller has over one study. */
const OwnStudy = z.object({ study_uid: z.string(), rights: z.array(Right) });
type OwnStudy = z.output<typeof OwnStudy>;

@Controller('api/me/studies')
@Requires('studies:read')
export class OwnStudyController {
  constructor(private readonly lookup: Lookup) {}

  /**
   * Lists the rights that the caller has over one study, for example the right to annotate the study. Returns 404 when the caller may not
   * read the study.
   */
  @Get(':study')
  @Gives(OwnStudy)
  @Header('cache-control', 'no-store')
  async get(
    @Req() request: FastifyRequest,
    @May() policy: Policy,
    @Param('study', { schema: StudyUid }) study: StudyUid,
  ): Promise<OwnStudy> {
    const { rights, ...whose } = await this.lookup.rightsOver(policy, study);
    request.auditNote = { studyUid: study, ...whose };
    return { study_uid: study, rights: [...rights] };
  }
}
