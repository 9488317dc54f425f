import { Injectable } from '@nestjs/common';
import { StoredSecrets } from '../../authn/tokens/stored.secrets.js';
import type { MappingContext } from '../../mapping/row.plan.js';
import { Words } from '../../terms/words.service.js';
import type { ImportRecord } from './imports.service.js';

/** What mapping needs besides a row. */
@Injectable()
export class MappingContexts {
  constructor(
    private readonly secrets: StoredSecrets,
    private readonly words: Words,
  ) {}

  /** The stored key of identities, the day of the upload (the same for each run), and the words as they are decided now. */
  async of(record: ImportRecord): Promise<MappingContext> {
    return {
      key: await this.secrets.get('record identities'),
      today: record.createdAt.toISOString().slice(0, 10),
      ...(record.asOf === null ? {} : { asOf: record.asOf }),
      lookUp: await this.words.lookUp(),
    };
  }
}
