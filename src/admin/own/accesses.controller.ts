import { Controller, Get, Query } from '@nestjs/common';
import { Gives, pageOf } from '../../http/response.shape.js';
import { AnyAccount, Who } from '../../authn/access.decorators.js';
import type { Account } from '../../authn/account.js';
import { ListQuery, QueryOf } from '../../http/query.pipe.js';
import { BadRequest } from '../../problems/errors.js';
import type { Page } from '../../http/list.query.js';
import { ImageAccess, Accesses } from './accesses.service.js';

@Controller('api/me/accesses')
@AnyAccount()
export class AccessesController {
  constructor(private readonly accesses: Accesses) {}

  /**
   * Lists the accesses to images of the caller's linked patient, newest first. The list is empty when the caller has no linked patient. `q`
   * is a part of a name that is not withheld.
   */
  @Get()
  @Gives(pageOf(ImageAccess))
  list(
    @Who() account: Account,
    @Query(new QueryOf(ListQuery)) { limit, offset, q, sort }: ListQuery,
  ): Promise<Page<ImageAccess>> {
    if (sort !== undefined && sort !== 'at' && sort !== '-at')
      throw new BadRequest('invalid-parameter', 'Unknown value of the query parameter sort. Available: at.');
    return this.accesses.of(account, { limit, offset, q, oldestFirst: sort === 'at' });
  }
}
