import { Injectable } from '@nestjs/common';
import { StoredSecrets } from '../../authn/tokens/stored.secrets.js';
import type { CsvHeader } from '../../csv/csv.header.js';
import type { MappingDocument } from '../../mapping/mapping.document.js';
import type { MappingContext } from '../../mapping/row.plan.js';
import { CodeTargets } from '../../terms/code.look.up.js';
import { Words } from '../../terms/words.service.js';
import { IdentityReviews } from '../writing/identity.reviews.js';
import { RowMapper } from '../writing/row.mapper.js';
import { headerOf, readSource } from './import.source.js';
import type { ImportRecord } from './imports.service.js';
import { Mappings } from './mappings.service.js';

/** Builds the context for mapping the rows of an import. */
@Injectable()
export class MappingContexts {
  constructor(
    private readonly secrets: StoredSecrets,
    private readonly words: Words,
    private readonly reviews: IdentityReviews,
    private readonly mappings: Mappings,
    private readonly codes: CodeTargets,
  ) {}

  /**
   * The context of an import: the stored identity key, the day of the upload, and the current decisions about words and identities. Every
   * run of an import uses the same day.
   */
  async of(record: ImportRecord): Promise<MappingContext> {
    return {
      key: await this.secrets.get('record identities'),
      today: record.createdAt.toISOString().slice(0, 10),
      ...(record.asOf === null ? {} : { asOf: record.asOf }),
      ...(record.facility === null ? {} : { facility: record.facility }),
      lookUp: await this.words.lookUp(),
      separated: await this.reviews.separated(),
      chosen: await this.reviews.chosen(),
    };
  }

  /** A mapper for the rows of an import that was inspected. */
  async mapper(record: ImportRecord): Promise<RowMapper> {
    const { document } = await this.mappings.ofImport(record);
    return this.mapperFor(document, headerOf(readSource(record.source)), await this.of(record));
  }

  /** A mapper for rows with a header, during the inspection of their import. */
  mapperFor(document: MappingDocument, header: CsvHeader, context: MappingContext): RowMapper {
    return new RowMapper(document, header, context, this.codes.session());
  }
}
