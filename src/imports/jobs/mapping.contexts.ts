import { Injectable } from '@nestjs/common';
import { StoredSecrets } from '../../authn/tokens/stored.secrets.js';
import type { MappingContext } from '../../mapping/row.plan.js';
import { Words } from '../../terms/words.service.js';
import type { ImportRecord } from './imports.service.js';

/** Builds the context for mapping the rows of an import. */
@Injectable()
export class MappingContexts {
  constructor(
    private readonly secrets: StoredSecrets,
    private readonly words: Words,
  ) {}

  /**
   * The context of an import: the stored identity key, the day of the upload, and the current decisions about words. Every run of an import
   * uses the same day.
   */
  async of(record: ImportRecord): Promise<MappingContext> {
    return {
      key: await this.secrets.get('record identities'),
      today: record.createdAt.toISOString().slice(0, 10),
      ...(record.asOf === null ? {} : { asOf: record.asOf }),
      lookUp: await this.words.lookUp(),
    };
  }
}
