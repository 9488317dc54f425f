import '../../config/node.version.js';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { profileList } from '../../csv/list.reading.js';
import { SHIPPED_MAPPINGS } from '../../mapping/defaults.js';
import { NewMappingDocument } from '../../mapping/mapping.checks.js';
import type { MappingDocument } from '../../mapping/mapping.document.js';
import { LIST_LANGUAGES } from '../../mapping/recognition/header.dictionary.js';
import { meaningInWords } from '../../mapping/recognition/meanings.js';
import type { Question } from '../../mapping/recognition/question.js';
import { type Recognition, recogniseList } from '../../mapping/recognition/recognition.js';
import { tidyDocument } from '../../mapping/recognition/tidy.document.js';
import { requireFile, runCommand, summaryLines } from './command.texts.js';
import { previewList } from './list.preview.js';

const HELP = `npm run mapping:draft -- FILE [options]

Proposes a mapping for a list with its own columns (CSV, XLSX or ODS), without server or database. Shows the meaning of each column with its
confidence and reason, the questions that the list leaves open, and the number of resources. Nothing is sent or stored.

  --out FILE.json   writes the draft to a file (- writes only the draft, to the standard output)
  --name NAME       the name of the mapping, for example clinic-lab
  --language LANG   the language of the list (${LIST_LANGUAGES.join(', ')}), if it is recognised wrongly
  --country XX      the country of the list (ISO 3166), for phone numbers, names and the order of day and month
  --encoding NAME   the encoding, if it is detected wrongly
  --sheet NAME|N    the sheet of a workbook (default: the first visible sheet)
  --help            this text

Exit status: 0 a draft without questions; 1 a draft with questions; 2 the list cannot be read, or no column identifies the patients.
`;

const Options = z.object({
  out: z.string().min(1).optional(),
  name: NewMappingDocument.shape.name.optional(),
  language: z.enum(LIST_LANGUAGES, `Invalid --language. Use one of ${LIST_LANGUAGES.join(', ')}.`).optional(),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'Invalid --country. Use two capital letters, such as GB.')
    .optional(),
  encoding: z.string().optional(),
  sheet: z.string().optional(),
  help: z.boolean().default(false),
});

const OPTIONS = {
  out: { type: 'string' },
  name: { type: 'string' },
  language: { type: 'string' },
  country: { type: 'string' },
  encoding: { type: 'string' },
  sheet: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: OPTIONS });
  const { out, name, language, country, encoding, sheet, help } = Options.parse(values);
  const [file, ...more] = positionals;
  if (help || file === undefined || more.length > 0) {
    (help ? process.stdout : process.stderr).write(HELP);
    return help ? 0 : 2;
  }
  await requireFile(file);
  const open = () => createReadStream(file);
  const { profile } = await profileList(open, { encoding, sheet });
  const today = new Date().toISOString().slice(0, 10);
  const recognition = recogniseList(profile, SHIPPED_MAPPINGS, { language, country, today });
  const draft =
    recognition.draft === undefined || name === undefined
      ? recognition.draft
      : { ...recognition.draft, name };
  // With `--out -`, the standard output contains only the draft.
  const report = out === '-' ? process.stderr : process.stdout;
  const say = (line: string) => report.write(`${line}\n`);
  sayColumns(recognition, say);
  for (const one of recognition.questions) sayQuestion(one, say);
  if (draft === undefined) return 2;
  await sayPreview(open, draft, { encoding, sheet }, say);
  const text = `${JSON.stringify(tidyDocument(draft), undefined, 2)}\n`;
  if (out === '-') process.stdout.write(text);
  else if (out === undefined) say('\nUse --out FILE.json to write the draft to a file.');
  else {
    await writeFile(out, text, { flag: 'wx' });
    say(`\nThe draft was written to ${out}. Answer the questions in this file, then run:`);
    say(`npm run mapping:test -- ${file} --mapping ${out}`);
  }
  return recognition.questions.length === 0 ? 0 : 1;
}

function sayColumns({ columns, language, country, fits }: Recognition, say: (line: string) => void): void {
  say(`language   ${language}`);
  say(`country    ${country}`);
  if (fits !== undefined)
    say(`mapping    ${fits.name}@${fits.version} fits this list. The draft is not needed.`);
  say('');
  for (const { header, meaning, confidence, reason, field } of columns) {
    const share = `${Math.round(confidence * 100)} %`;
    say(`${header}: ${meaningInWords(meaning)}${meaning === 'unknown' ? '' : ` (${share})`}`);
    say(`    ${reason}${field === undefined ? ' The column is not used.' : ''}`);
  }
}

function sayQuestion({ code, column, text, choices, path }: Question, say: (line: string) => void): void {
  const about = column === undefined ? '' : ` (${column})`;
  say(`\nquestion ${code}${about}: ${text}`);
  say(`    place in the draft: /${path.join('/')}`);
  for (const { label, value } of choices) {
    const answer = JSON.stringify(value);
    say(answer.length > 80 ? `    ${label}` : `    ${label === value ? '' : `${label} `}${answer}`);
  }
}

async function sayPreview(
  open: () => ReturnType<typeof createReadStream>,
  draft: MappingDocument,
  options: { readonly encoding: string | undefined; readonly sheet: string | undefined },
  say: (line: string) => void,
): Promise<void> {
  const { rows } = await previewList(open, draft, options);
  say('\nWith this draft:');
  for (const line of summaryLines(rows)) say(line);
}

if (import.meta.main) await runCommand(main, OPTIONS);
