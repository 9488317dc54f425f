import type { Coding } from '@medplum/fhirtypes';
import { cellsByColumn, type CsvRow } from '../../csv/csv.reader.js';
import type { CsvHeader } from '../../csv/csv.header.js';
import { ignoredCellIssues } from '../../csv/named.issue.js';
import { identityKeyOf } from '../../mapping/identities.js';
import type { MappingDocument } from '../../mapping/mapping.document.js';
import { listedCodes } from '../../mapping/words/listed.words.js';
import { mapRow } from '../../mapping/row.mapping.js';
import type { MappingContext, RowOutcome, RowPlan } from '../../mapping/row.plan.js';
import type { IdentityKey } from '../../mapping/values/identity.js';
import type { CodeSession } from '../../terms/code.look.up.js';
import type { AnsweredWord, ChunkPlans } from './chunk.plans.js';

/** A mapped row with the words that were looked up to map it. */
export interface MappedRow {
  readonly outcome: RowOutcome;
  readonly words: readonly AnsweredWord[];
}

/**
 * Maps the rows of one import. The inspection maps each row and stores the plan. The writer uses the stored plan unless the answer for one
 * of the words has changed.
 */
export class RowMapper {
  constructor(
    private readonly document: MappingDocument,
    private readonly header: CsvHeader,
    private readonly context: MappingContext,
    private readonly codes: CodeSession,
  ) {}

  /** The key of the digests that identify persons. */
  get key(): IdentityKey {
    return this.context.key;
  }

  /** Reads the ICD-10 codes of some rows from the code maps at once. Without this call, `map` reads them row by row. */
  async prepare(rows: readonly CsvRow[]): Promise<void> {
    await this.codes.prepare(
      rows.flatMap(({ cells }) => listedCodes(this.document, cellsByColumn(cells, this.header))),
    );
  }

  /** Maps a row from its cells. */
  async map({ cells }: CsvRow): Promise<MappedRow> {
    const missing: Coding[] = [];
    const mapped = this.attempt(cells, missing);
    if (missing.length === 0) return mapped;
    await this.codes.prepare(missing);
    return this.attempt(cells, []);
  }

  private attempt(cells: readonly string[], missing: Coding[]): MappedRow {
    const words: AnsweredWord[] = [];
    const context: MappingContext = {
      ...this.context,
      lookUp: (question) => {
        const answer = this.context.lookUp(question);
        words.push([question, answer]);
        return answer;
      },
      codes: (coding) => {
        const answer = this.codes.find(coding);
        if (answer === undefined) missing.push(coding);
        return answer ?? { outcome: 'unmapped' };
      },
    };
    const outcome = mapRow(this.document, cellsByColumn(cells, this.header), context);
    const issues = [...outcome.issues, ...ignoredCellIssues(cells, this.header)];
    return { outcome: { ...outcome, issues }, words };
  }

  /**
   * The outcome of a row. Uses the stored plan of the row if it is still valid. Otherwise maps the row again. A stored plan keeps the
   * SNOMED CT codings of its ICD-10 codes, so a commit writes what its rehearsal has shown.
   */
  async outcomeOf(row: CsvRow, plans: ChunkPlans): Promise<RowOutcome> {
    const stored = plans.planOf(row.row, this.context.lookUp);
    if (stored === undefined || this.isOutdated(stored.plan)) return (await this.map(row)).outcome;
    return { outcome: 'planned', plan: stored.plan, issues: stored.issues };
  }

  /** Whether a decision about the identity of the row was made or undone after the row was mapped. */
  private isOutdated({ person, isSeparated, chosen, identities }: RowPlan): boolean {
    const { separated, key } = this.context;
    const disputed = separated?.get(person);
    if (disputed === undefined)
      return isSeparated === true || chosen?.id !== this.context.chosen?.get(person);
    return (
      isSeparated !== true || identities.some((identity) => disputed.includes(identityKeyOf(key, identity)))
    );
  }
}
