import type { Readable } from 'node:stream';
import { fileFindings } from '../../csv/file.findings.js';
import { FileRefused } from '../../csv/csv.refusal.js';
import type { ProfiledList } from '../../csv/list.reading.js';
import type { MappingDocument } from '../../mapping/mapping.document.js';
import type { KnownMapping } from '../../mapping/recognition/known.mapping.js';
import type { Recognition } from '../../mapping/recognition/recognition.js';
import { previewList, type PreviewOptions } from './list.preview.js';
import { Proposal } from './proposal.shape.js';

/** The number of rows of the preview. */
const PREVIEWED = 5;

/** What a proposal is made from. `candidates` are the stored mappings that can read the columns. */
export interface ProposalParts {
  readonly list: ProfiledList;
  readonly recognition: Recognition;
  readonly candidates: readonly KnownMapping[];
}

/** What the sender of the list said about it, and the known words. */
export type ProposalOptions = Omit<PreviewOptions, 'most'>;

/**
 * Makes the proposal for a list, with a preview of its first rows. Each call of `open` opens the file from its start. The proposal contains
 * patient data.
 */
export async function makeProposal(
  open: () => Readable,
  { list, recognition, candidates }: ProposalParts,
  options: ProposalOptions,
): Promise<Proposal> {
  const { shape, skipped, rows } = list;
  const { fits, language, country, columns, questions, draft } = recognition;
  const preview = draft === undefined ? [] : await previewOf(open, draft, options);
  const unused = columns.filter(({ field }) => field === undefined).map(({ header }) => header);
  return Proposal.parse({
    rows_total: rows,
    is_sample: list.isCut,
    encoding: shape.encoding.encoding,
    encoding_reason: shape.encoding.reason,
    delimiter: shape.delimiter.delimiter,
    delimiter_reason: shape.delimiter.reason,
    language,
    country,
    mapping: fits ?? null,
    fits: candidates.map(({ name, version }) => ({ name, version })),
    columns: columns.map(({ header, field = null, ...column }) =>
      Object.assign(column, { column: header, field }),
    ),
    questions: questions.map(({ column = null, ...question }) => Object.assign(question, { column })),
    draft: draft ?? null,
    findings: fileFindings({
      encoding_reason: shape.encoding.reason,
      ignored_columns: unused,
      sheets: shape.sheets,
      title_rows: skipped.titles,
      footer_rows: skipped.footers,
    }),
    preview,
  });
}

async function previewOf(open: () => Readable, draft: MappingDocument, options: ProposalOptions) {
  try {
    return (await previewList(open, draft, { ...options, most: PREVIEWED })).rows;
  } catch (error) {
    // The draft cannot read the file. The proposal is still useful, because a person corrects the draft.
    if (error instanceof FileRefused) return [];
    throw error;
  }
}
