import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { FileRefused } from '../../src/csv/csv.refusal.js';
import { previewList } from '../../src/imports/jobs/list.preview.js';
import { ISSUE_CODES } from '../../src/mapping/issue.codes.js';
import { FILE_EXAMPLES } from './examples.files.ts';
import { ROW_EXAMPLES } from './examples.rows.ts';
import { brazil, type Sent } from './examples.world.ts';

const EXAMPLES = { ...FILE_EXAMPLES, ...ROW_EXAMPLES };

/**
 * Codes that a small list with a shipped mapping cannot produce: they need a gigabyte, five million rows, a server, a decision or another
 * mapping. Other tests cover these codes.
 */
const ELSEWHERE = [
  'file-rows-too-many',
  'file-too-large',
  'file-gzip-bomb',
  'file-spreadsheet-large',
  'file-lost',
  'file-mapping-missing',
  'patient-several',
  'identity-rejected',
  'identity-separated',
  'fhir-refused',
  'term-ignored',
  'icd-code-ambiguous',
  'text-negated',
  'text-none',
  'text-unclear',
  'visit-class-unknown',
  'visit-dates',
  'visit-incomplete',
];

/** The codes in the report of the import, and whether all rows would be written. */
async function told({
  file,
  mapping = brazil,
  encoding,
  sheet,
}: Sent): Promise<{ codes: string[]; taken: boolean }> {
  if (mapping === undefined) throw new Error('no mapping is shipped');
  try {
    const { rows, findings } = await previewList(() => Readable.from([Buffer.from(file)]), mapping, {
      encoding,
      sheet,
    });
    const codes = [...findings, ...rows.flatMap(({ issues }) => issues)].map(({ code }) => code);
    return { codes, taken: rows.every(({ state }) => state !== 'rejected') };
  } catch (error) {
    if (!(error instanceof FileRefused)) throw error;
    return { codes: [error.code], taken: false };
  }
}

describe('the examples of docs/import-codes.md', () => {
  it.each(Object.entries(EXAMPLES))('%s: as it is quoted, and mended as it says', async (code, example) => {
    const page = await readFile(join(import.meta.dirname, '../../docs/import-codes.md'), 'utf8');
    const explained = page.split('\n').find((row) => row.startsWith(`| \`${code}\``)) ?? '';
    for (const quote of example.quotes) expect(explained).toContain(`\`${quote.replaceAll('|', '\\|')}\``);
    for (const sent of example.wrong) expect((await told(sent)).codes).toContain(code);
    for (const sent of example.right) {
      const { codes, taken } = await told(sent);
      expect(codes).not.toContain(code);
      expect(taken).toBe(true);
    }
  });

  it('are there for every code that a list alone can show', () => {
    expect([...Object.keys(EXAMPLES), ...ELSEWHERE].sort()).toEqual([...ISSUE_CODES.keys()].sort());
  });
});
