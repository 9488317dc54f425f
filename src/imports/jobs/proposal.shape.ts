import { z } from 'zod';
import { MappingDocument } from '../../mapping/mapping.document.js';
import { ListFinding, PreviewedRow } from './proposal.rows.js';

const KnownMapping = z.object({
  name: z
    .string()
    .describe('The name of the mapping.')
    .meta({ examples: ['english-plain'] }),
  version: z
    .int()
    .describe('The newest version of the mapping.')
    .meta({ examples: [1] }),
});

const Alternative = z.object({
  meaning: z
    .string()
    .describe('Another possible meaning.')
    .meta({ examples: ['given_name'] }),
  confidence: z
    .number()
    .describe('From 0 to 1.')
    .meta({ examples: [0.4] }),
});

const Column = z.object({
  column: z
    .string()
    .describe('The name of the column in the file.')
    .meta({ examples: ['Geb.-Datum'] }),
  meaning: z
    .string()
    .describe('The proposed meaning. `unknown`: the column was not recognised.')
    .meta({ examples: ['birth_date'] }),
  field: z
    .string()
    .nullable()
    .describe('The name of the column in the draft. Null if the draft does not use the column.')
    .meta({ examples: ['birth_date'] }),
  confidence: z
    .number()
    .describe('From 0 to 1. A meaning with less than 0.5 is not used in the draft.')
    .meta({ examples: [0.95] }),
  reason: z
    .string()
    .describe('Why the meaning is proposed.')
    .meta({ examples: ['The name is "birth date" in German. All values are dates.'] }),
  alternatives: z
    .array(Alternative)
    .describe('Other possible meanings.')
    .meta({ examples: [[{ meaning: 'visit_date', confidence: 0.3 }]] }),
});

const Question = z.object({
  code: z
    .string()
    .describe('The kind of the question.')
    .meta({ examples: ['day-order'] }),
  column: z
    .string()
    .nullable()
    .describe('The name of the column in the file. Null if the question is about the whole list.')
    .meta({ examples: ['DOB'] }),
  text: z
    .string()
    .describe('The question.')
    .meta({
      examples: ['Every date of the column can be read in two ways. Choose the order of day and month.'],
    }),
  path: z
    .array(z.union([z.string(), z.int()]))
    .describe('The place of the answer in the draft. The draft already has the proposed answer there.')
    .meta({ examples: [['columns', 'birth_date', 'formats']] }),
  choices: z
    .array(
      z.object({
        label: z
          .string()
          .describe('The answer in words.')
          .meta({ examples: ['day, month, year'] }),
        value: z
          .unknown()
          .describe('What the draft has at the path after this answer.')
          .meta({ examples: [['dd/MM/yyyy']] }),
      }),
    )
    .describe('Possible answers. Empty if the answer is free.')
    .meta({ examples: [[{ label: 'day, month, year', value: ['dd/MM/yyyy'] }]] }),
});

/** A proposed mapping of a list, with what is known about the list. It contains patient data. */
export const Proposal = z.object({
  rows_total: z
    .int()
    .describe('The number of rows that were read.')
    .meta({ examples: [250] }),
  is_sample: z
    .boolean()
    .describe('Whether the list has more rows than were read.')
    .meta({ examples: [false] }),
  encoding: z
    .string()
    .describe('The encoding of the file.')
    .meta({ examples: ['windows-1252'] }),
  encoding_reason: z
    .string()
    .describe('Why this encoding was chosen.')
    .meta({ examples: ['header-words'] }),
  delimiter: z
    .string()
    .describe('The delimiter of the file.')
    .meta({ examples: [';'] }),
  delimiter_reason: z
    .string()
    .describe('Why this delimiter was chosen.')
    .meta({ examples: ['header-words'] }),
  language: z
    .string()
    .describe('The language of the column names.')
    .meta({ examples: ['de'] }),
  country: z
    .string()
    .describe('The country whose phone numbers and names are assumed.')
    .meta({ examples: ['DE'] }),
  mapping: KnownMapping.nullable()
    .describe(
      'The stored mapping that fits without doubt. An upload without the name of a mapping would use it. Null if there is none.',
    )
    .meta({ examples: [null] }),
  fits: z
    .array(KnownMapping)
    .describe('All stored mappings that can read the columns.')
    .meta({ examples: [[{ name: 'english-plain', version: 1 }]] }),
  columns: z
    .array(Column)
    .describe('The columns of the file with their proposed meanings.')
    .meta({
      examples: [
        [
          {
            column: 'Geb.-Datum',
            meaning: 'birth_date',
            field: 'birth_date',
            confidence: 0.95,
            reason: 'The name is known.',
            alternatives: [],
          },
        ],
      ],
    }),
  questions: z
    .array(Question)
    .describe('What the list does not say. Answer the questions in the draft.')
    .meta({ examples: [[]] }),
  draft: MappingDocument.nullable()
    .describe(
      'A complete mapping document. Correct it, then send it to POST /api/imports/{id}/mapping. Null if no column identifies the patients.',
    )
    .meta({ examples: [null] }),
  findings: z
    .array(ListFinding)
    .describe('Findings about the whole file, for example columns that the draft does not use.')
    .meta({ examples: [[]] }),
  preview: z
    .array(PreviewedRow)
    .describe('The first rows with the resources that the draft gives.')
    .meta({ examples: [[]] }),
});
export type Proposal = z.output<typeof Proposal>;
