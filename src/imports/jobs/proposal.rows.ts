import { z } from 'zod';

const SEVERITY = z
  .enum(['error', 'warning', 'information'])
  .describe('How serious it is.')
  .meta({ examples: ['warning'] });
const Code = z
  .string()
  .describe('The reason code (docs/import-codes.md).')
  .meta({ examples: ['columns-ignored'] });
const Message = z
  .string()
  .describe('What was found.')
  .meta({ examples: ['A phone number is invalid.'] });
const Suggestion = z
  .string()
  .describe('What to do.')
  .meta({ examples: ['Correct the number.'] });

/** A finding about a whole list. */
export const ListFinding = z.object({
  severity: SEVERITY,
  code: Code,
  message: Message,
  suggestion: Suggestion,
  columns: z
    .array(z.string())
    .describe('The columns of the file.')
    .meta({ examples: [['Bett']] }),
  rows: z
    .array(z.int())
    .describe('The rows, as a spreadsheet program shows them.')
    .meta({ examples: [[1, 2]] }),
});

const Issue = z.object({
  severity: SEVERITY,
  code: Code,
  message: Message,
  suggestion: Suggestion,
  column: z
    .string()
    .optional()
    .describe('The name of the column in the file.')
    .meta({ examples: ['Telefon'] }),
  field: z
    .string()
    .optional()
    .describe('The name of the column in the draft.')
    .meta({ examples: ['phone'] }),
  other_row: z
    .int()
    .optional()
    .describe('The other row that the issue is about.')
    .meta({ examples: [3] }),
});

/** A row of a preview. It contains patient data. */
export const PreviewedRow = z.object({
  row: z
    .int()
    .describe('The row, as a spreadsheet program shows it.')
    .meta({ examples: [2] }),
  state: z
    .enum(['written', 'waiting', 'rejected', 'duplicate'])
    .describe('What would happen to the row. A row that waits is written without its unknown words.')
    .meta({ examples: ['written'] }),
  resources: z
    .array(
      z.looseObject({
        resourceType: z
          .string()
          .describe('The kind of the resource.')
          .meta({ examples: ['Patient'] }),
      }),
    )
    .describe('The FHIR resources of the row. They contain patient data.')
    .meta({ examples: [[{ resourceType: 'Patient', birthDate: '1980-03-02' }]] }),
  words: z
    .array(z.string())
    .describe('Words that a person must decide.')
    .meta({ examples: [['Zuckerkrankheit']] }),
  issues: z
    .array(Issue)
    .describe('Findings of the row.')
    .meta({ examples: [[]] }),
});
