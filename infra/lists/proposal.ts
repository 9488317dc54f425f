import { readFile, writeFile } from 'node:fs/promises';
import * as z from 'zod';
import type { RecordsClient } from '../demo/records.client.ts';

const Proposal = z.object({
  columns: z.array(
    z.object({
      column: z.string(),
      meaning: z.string(),
      field: z.string().nullable(),
      confidence: z.number(),
      reason: z.string(),
    }),
  ),
  fits: z.array(z.object({ name: z.string(), version: z.number() })),
  questions: z.array(
    z.object({
      column: z.string().nullable(),
      text: z.string(),
      path: z.array(z.union([z.string(), z.number()])),
      choices: z.array(z.object({ label: z.string(), value: z.unknown() })),
    }),
  ),
  draft: z.looseObject({ name: z.string() }).nullable(),
});
type Proposal = z.infer<typeof Proposal>;

/**
 * Tells what an import needs that waits for a mapping: the proposed columns, the questions, and how to continue. With `draftFile`, the draft
 * is written to this file.
 */
export async function tellProposal(
  records: RecordsClient,
  importId: string,
  draftFile: string | undefined,
): Promise<void> {
  const proposal = await records.proposal(importId, Proposal);
  for (const line of proposalLines(proposal)) console.log(line);
  const { draft, fits } = proposal;
  if (draft !== null && draftFile !== undefined) {
    // The draft can contain words of the list, so only its owner may read it.
    await writeFile(draftFile, `${JSON.stringify(draft, null, 2)}\n`, { mode: 0o600 });
    console.log(`The draft is saved in ${draftFile}. Correct it where the questions say so.`);
  }
  const continued = `npm run import -- ${importId} --mapping`;
  if (draft === null) console.log('There is no draft, because no column identifies the patients.');
  else if (draftFile === undefined)
    console.log(`Save the draft of the mapping: npm run import -- ${importId} --draft FILE.json`);
  else console.log(`Continue with the draft: ${continued} ${draftFile}`);
  const names = fits.length === 0 ? '' : ` (${fits.map(({ name }) => name).join(', ')} can read the columns)`;
  console.log(`Continue with a stored mapping${names}: ${continued} NAME`);
}

function proposalLines({ columns, questions }: Proposal): string[] {
  const widest = Math.max(...columns.map(({ column }) => column.length));
  return [
    'No stored mapping fits the columns without doubt. Proposed meanings:',
    ...columns.map(({ column, meaning, field, confidence, reason }) => {
      const meant = field === null ? 'not used' : `${meaning} (${Math.round(confidence * 100)} %)`;
      return `  ${column.padEnd(widest)}  ${meant}: ${reason}`;
    }),
    ...questions.flatMap(({ column, text, path, choices }, at) => [
      `Question ${at + 1}${column === null ? '' : ` (column ${column})`}: ${text}`,
      `  in the draft at ${path.join('.')}`,
      ...choices.map(({ label, value }) => `  ${label}: ${JSON.stringify(value)}`),
    ]),
  ];
}

/** Reads the mapping that an operator has named: the name of a stored mapping, or a file with a mapping document. */
export async function readMapping(text: string): Promise<{ mapping: string } | { document: unknown }> {
  if (!text.endsWith('.json')) return { mapping: text };
  const json = await readFile(text, 'utf8').catch(() => {
    throw new Error(`${text} is missing or cannot be read`);
  });
  try {
    return { document: JSON.parse(json) };
  } catch {
    throw new Error(`${text} is not valid JSON`);
  }
}
