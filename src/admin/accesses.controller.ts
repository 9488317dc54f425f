import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { Gives, pageOf } from '../http/response.shape.js';
import { AuditSearch, type FoundRow } from '../audit/audit.search.js';
import { AnyAccount, Who } from '../authn/access.decorators.js';
import type { Account } from '../authn/account.js';
import { ListQuery, QueryOf } from '../http/query.pipe.js';
import { BadRequest } from '../problems/errors.js';
import type { Page } from '../http/list.query.js';

/** One access to images of the caller's linked patient. `what` is study, series, instance, metadata, frames, rendered or bulk. */
const Access = z.object({
  at: z.iso.datetime(),
  account: z.string(),
  what: z.string(),
  study_uid: z.string().nullable(),
});
type Access = z.output<typeof Access>;

@Controller('api/me/accesses')
@AnyAccount()
export class AccessesController {
  constructor(private readonly search: AuditSearch) {}

  /**
   * Lists the accesses to images of the caller's linked patient, newest first. The list is empty when the caller has no linked patient. `q`
   * is a part of an account name.
   */
  @Get()
  @Gives(pageOf(Access))
  async list(
    @Who() { patient }: Account,
    @Query(new QueryOf(ListQuery)) { limit, offset, q, sort }: ListQuery,
  ): Promise<Page<Access>> {
    if (sort !== undefined && sort !== 'at' && sort !== '-at')
      throw new BadRequest('invalid-parameter', 'Unknown value of the query parameter sort. Available: at.');
    if (patient === undefined) return { items: [], total: 0 };
    const filter = { kind: 'opened' as const, issuer: patient.issuer, patient: patient.patientId, q };
    const order = sort === 'at' ? 'at' : '-at';
    const { items, total } = await this.search.page(filter, { limit, offset, order });
    return { items: items.map(accessOf), total };
  }
}

function accessOf({ at, accountName, action, studyUid }: FoundRow): Access {
  return {
    at: at?.toISOString() ?? '',
    account: accountName ?? '',
    what: action.replace(/^read /, ''),
    study_uid: studyUid,
  };
}
