import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Resource } from '@medplum/fhirtypes';
import { indexConceptMap, lookUpIn } from '../../mapping/words/concept.map.js';
import { SHIPPED_TERMS } from '../../mapping/defaults.js';
import {
  contradictingRows,
  conflictsIn,
  type GroupedRow,
  resolveDuplicates,
  rowsWithSharedIdentifiers,
} from '../../mapping/duplicates.js';
import { type Issue, issue } from '../../mapping/issue.js';
import type { MappingDocument } from '../../mapping/mapping.document.js';
import { mapRow } from '../../mapping/row.mapping.js';
import { recordsOf } from '../../mapping/records/record.kinds.js';
import type { MappingContext, RowPlan, WaitingWord } from '../../mapping/row.plan.js';
import { explainShape, inspectCsv } from '../../csv/csv.inspection.js';
import { cellsByColumn, readRows, type SkippedRows } from '../../csv/csv.reader.js';
import { type FileFinding, fileFindings } from '../../csv/file.findings.js';
import { ignoredCellIssues, namedIssue, type NamedIssue } from '../../csv/named.issue.js';
import { plainBytes, probeFile } from '../../csv/plain.file.js';

/**
 * The preview of a row. In the state `waiting`, the row would be written without its unknown words. These words would wait in the inbox. A
 * row that contradicts another row of the same patient waits without resources.
 */
export interface RowPreview {
  readonly row: number;
  readonly state: 'written' | 'waiting' | 'rejected' | 'duplicate';
  readonly resources: readonly Resource[];
  /** Unknown words. */
  readonly words: readonly string[];
  readonly issues: readonly NamedIssue[];
}

/** The preview of a list. `cut` is true when the list has more rows than the preview. */
export interface ListPreview {
  readonly shape: ReturnType<typeof explainShape>;
  /** Findings about the whole file. */
  readonly findings: readonly FileFinding[];
  readonly rows: readonly RowPreview[];
  readonly cut: boolean;
}

/** The maximum number of rows of a preview, because all these rows are in memory. */
const MOST_ROWS = 20_000;

/** The options of a preview. `encoding` is the requested encoding. By default, words are looked up in the shipped ConceptMap. */
export interface PreviewOptions {
  readonly asOf?: string | undefined;
  readonly encoding?: string | undefined;
  readonly sheet?: string | undefined;
  readonly facility?: string | undefined;
  readonly lookUp?: MappingContext['lookUp'];
  /** The maximum number of rows. */
  readonly most?: number;
}

/**
 * Maps a list without a FHIR server. Existing resources are not considered. Each call of `open` opens the file from its start. Throws
 * `FileRefused`.
 */
export async function previewList(
  open: () => Readable,
  document: MappingDocument,
  { asOf, encoding, sheet, facility, lookUp, most = MOST_ROWS }: PreviewOptions = {},
): Promise<ListPreview> {
  const shape = inspectCsv(await probeFile(open, sheet), document, encoding);
  const context: MappingContext = {
    // A random key is sufficient, because identities are compared only within this preview.
    key: randomBytes(32),
    today: new Date().toISOString().slice(0, 10),
    ...(asOf === undefined ? {} : { asOf }),
    ...(facility === undefined ? {} : { facility }),
    lookUp: lookUp ?? lookUpIn(indexConceptMap(SHIPPED_TERMS)),
  };
  const rows: RowPreview[] = [];
  const planned: (GroupedRow & { issues: readonly Issue[] })[] = [];
  let cut = false;
  const skipped: SkippedRows = { titles: [], footers: [] };
  for await (const batch of readRows(plainBytes(open, shape), shape, skipped)) {
    for (const { row, cells, fault } of batch) {
      cut = rows.length + planned.length === most;
      if (cut) break;
      if (fault !== undefined) {
        rows.push(withoutResources(row, 'rejected', [fault]));
        continue;
      }
      const mapped = mapRow(document, cellsByColumn(cells, shape.header), context);
      const issues = [...mapped.issues, ...ignoredCellIssues(cells, shape.header)];
      if (mapped.outcome === 'rejected')
        rows.push({ ...withoutResources(row, 'rejected', issues), words: textsOf(mapped.unknown) });
      else planned.push({ row, plan: mapped.plan, issues });
    }
    if (cut) break;
  }
  const issuesOf = new Map(planned.map(({ row, issues }) => [row, issues]));
  const shared = rowsWithSharedIdentifiers(planned);
  for (const { row, issues } of planned) {
    const other = shared.get(row);
    if (other === undefined) continue;
    const reason = { ...issue('identifier-shared'), other_row: other };
    rows.push(withoutResources(row, 'rejected', [...issues, reason]));
  }
  const unshared = planned.filter(({ row }) => !shared.has(row));
  const groups = Map.groupBy(unshared, ({ plan }) => plan.patientKey).values();
  for (const group of groups) {
    const contradicting = contradictingRows(group);
    for (const { row, other } of contradicting) {
      const reason = { ...issue('identity-review'), other_row: other.row };
      rows.push(withoutResources(row.row, 'waiting', [...(issuesOf.get(row.row) ?? []), reason]));
    }
    const waiting = new Set(contradicting.map(({ row }) => row.row));
    const agreeing = group.filter(({ row }) => !waiting.has(row));
    for (const resolved of resolveDuplicates(agreeing, document.policies.duplicate_in_file)) {
      const issues = issuesOf.get(resolved.row) ?? [];
      if (resolved.result === 'write')
        rows.push(withResources(resolved.row, resolved.plan, [...issues, ...conflictsIn(resolved.plan)]));
      else {
        const reason = { ...issue(resolved.code), other_row: resolved.otherRow };
        rows.push(withoutResources(resolved.row, resolved.result, [...issues, reason]));
      }
    }
  }
  const named = rows
    .sort((one, other) => one.row - other.row)
    .map((row) => Object.assign(row, { issues: row.issues.map((one) => namedIssue(one, shape.header)) }));
  const explained = explainShape(shape);
  return {
    shape: explained,
    findings: fileFindings({ ...explained, title_rows: skipped.titles, footer_rows: skipped.footers }),
    rows: named,
    cut,
  };
}

function withResources(row: number, plan: RowPlan, issues: readonly Issue[]): RowPreview {
  const { patient, waiting } = plan;
  return {
    row,
    state: waiting.length > 0 ? 'waiting' : 'written',
    resources: [patient, ...recordsOf(plan)],
    words: textsOf(waiting),
    issues,
  };
}

const textsOf = (words: readonly WaitingWord[]) => words.map(({ text }) => text);

function withoutResources(
  row: number,
  state: 'rejected' | 'duplicate' | 'waiting',
  issues: readonly Issue[],
): RowPreview {
  return { row, state, resources: [], words: [], issues };
}
