import { Inject, Injectable } from '@nestjs/common';
import { and, eq, inArray, isNull, or, sql } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database } from '../../database/database.module.js';
import { imports, mappings, type MAPPING_CHOICES } from '../../database/schema.records.js';
import { isAddedColumn } from '../../csv/csv.report.js';
import { fittingMappings, namesOf } from '../../csv/header.fit.js';
import { profileRows, readTableShape } from '../../csv/list.reading.js';
import { type ImportRecord, Imports } from './imports.service.js';
import { Mappings, type StoredMapping } from './mappings.service.js';
import type { Proposal } from './proposal.shape.js';
import { Proposals } from './proposals.service.js';
import { StagedFiles } from './staged.files.js';

/**
 * Chooses the mapping of an import whose upload named none. A mapping is chosen only if the columns of the file leave no doubt. Otherwise
 * the import stops, and a person chooses.
 */
@Injectable()
export class MappingChoice {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly imports: Imports,
    private readonly mappings: Mappings,
    private readonly proposals: Proposals,
    private readonly files: StagedFiles,
  ) {}

  /**
   * Chooses the mapping and records it with the import. Returns undefined when no mapping was chosen: the import waits for a person, or was
   * cancelled. After a crash, the choice is made again unless it was recorded. Throws `FileRefused`.
   */
  async choose(record: ImportRecord, signal: AbortSignal): Promise<StoredMapping | undefined> {
    const { id, createdAt, asOf, facility, encoding, sheet } = record;
    const said = {
      encoding: encoding ?? undefined,
      sheet: sheet ?? undefined,
      asOf: asOf ?? undefined,
      facility: facility ?? undefined,
    };
    const open = () => this.files.open(id);
    const known = await this.mappings.newest();
    const shape = await readTableShape(open, { ...said, known: namesOf(known) });
    const names = shape.header.names.filter((name) => !isAddedColumn(name));
    const earlier = await this.ofEarlierLists(record, names, known);
    if (earlier !== undefined) return this.take(record, earlier, 'earlier');
    const list = await profileRows(open, shape, { signal });
    const today = createdAt.toISOString().slice(0, 10);
    const recognised = this.proposals.recognise(list, known, { today });
    if (recognised.fits !== undefined) return this.take(record, recognised.fits, 'columns');
    await this.wait(id, list.rows, await this.proposals.propose(open, recognised, said));
    return undefined;
  }

  /** The mapping of all earlier lists of the facility with the same columns, if it was always the same mapping and still fits. */
  private async ofEarlierLists(
    { facility, accountId }: ImportRecord,
    names: readonly string[],
    known: readonly StoredMapping[],
  ): Promise<StoredMapping | undefined> {
    const [used, ...others] = await this.database
      .selectDistinct({ name: mappings.name })
      .from(imports)
      .innerJoin(mappings, eq(mappings.id, imports.mapping))
      .where(
        and(
          inArray(imports.status, ['completed', 'completed_with_errors']),
          isNull(imports.undoing),
          // Earlier versions recorded no facility. Their imports of the same account count.
          or(
            facility === null ? isNull(imports.facility) : eq(imports.facility, facility),
            accountId === null ? undefined : and(isNull(imports.facility), eq(imports.accountId, accountId)),
          ),
          sql`${imports.source}->'header' = ${JSON.stringify(names)}::jsonb`,
        ),
      )
      .limit(2);
    if (used === undefined || others.length > 0) return undefined;
    return fittingMappings(
      names,
      known.filter(({ name }) => name === used.name),
    ).at(0);
  }

  /** Records the mapping. Returns undefined when the import was cancelled. */
  private async take(
    { id }: ImportRecord,
    mapping: StoredMapping,
    mappingChoice: (typeof MAPPING_CHOICES)[number],
  ): Promise<StoredMapping | undefined> {
    const taken = await this.database
      .update(imports)
      .set({ mapping: mapping.id, mappingChoice })
      .where(and(eq(imports.id, id), eq(imports.status, 'inspecting'), isNull(imports.mapping)))
      .returning();
    return taken.length === 0 ? undefined : mapping;
  }

  private async wait(id: string, rowsTotal: number, proposal: Proposal): Promise<void> {
    const sealed = this.proposals.seal(id, proposal);
    const waiting = await this.database
      .update(imports)
      .set({ status: 'needs_mapping', proposal: sealed, proposedAt: new Date(), rowsTotal })
      .where(and(eq(imports.id, id), eq(imports.status, 'inspecting'), isNull(imports.mapping)))
      .returning();
    if (waiting.length > 0) await this.imports.addEvent(id);
  }
}
