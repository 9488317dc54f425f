import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { headerAliases } from '../../src/mapping/mapping.columns.js';
import { SHIPPED_MAPPINGS } from '../../src/mapping/defaults.js';
import { NewMappingDocument } from '../../src/mapping/mapping.checks.js';
import { documentHash, MappingDocument } from '../../src/mapping/mapping.document.js';
import { HEADERS, headerKey, LIST_LANGUAGES } from '../../src/mapping/recognition/header.dictionary.js';
import { ListProfiler } from '../../src/mapping/recognition/list.profiler.js';
import { recogniseList } from '../../src/mapping/recognition/recognition.js';
import { tidyDocument } from '../../src/mapping/recognition/tidy.document.js';
import { foldHeader } from '../../src/mapping/words/folding.js';
import { longForm } from '../support/long.form.ts';

const names = [...HEADERS.values()].flatMap((of) => LIST_LANGUAGES.flatMap((language) => of[language] ?? []));
const header = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...names) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...names), fc.constantFrom(' (mg/dL)', ' 2', '_id', ' [x]'))
      .map((parts) => parts.join('')),
  },
  { weight: 1, arbitrary: fc.string({ minLength: 1, maxLength: 120 }) },
);
const CELLS = (
  '|A1|12|0|N/A|Ana Souza|Silva, Ana|F|M|H|1|2|X|03/04/1980|31/12/1980|12/31/1980|1980-12-31|01.02.80|2026-01-02T08:00:00Z|2026-01-02 08:00|' +
  '5,5|5.5 mmol/L|<4.0|1.234|120/80|E11.9|I10; J45|2345-7|73211009|mg/dL|3.5 - 5.5|(11) 91234-5678 (mãe)|ana@example.org|529.982.247-25|Glucose|' +
  'Urina|diabetes|="00123"|=1+1|\u{FFFD}|constructor|__proto__'
).split('|');
const list = fc.uniqueArray(header, { minLength: 1, maxLength: 14, selector: foldHeader }).chain((columns) =>
  fc.record({
    columns: fc.constant(columns),
    rows: fc.array(
      fc.array(fc.oneof(fc.constantFrom(...CELLS), fc.string({ maxLength: 12 })), {
        minLength: columns.length,
        maxLength: columns.length,
      }),
      { maxLength: 12 },
    ),
  }),
);

/** Whether a document has the place of an answer. The last member can be missing. */
function hasPlace(node: unknown, [member, ...path]: readonly (string | number)[]): boolean {
  if (typeof node !== 'object' || node === null || member === undefined) return false;
  if (path.length === 0) return true;
  return hasPlace(new Map(Object.entries(node)).get(String(member)), path);
}

it('the draft for any list is a valid mapping, reads each used column once, and has the place of each question', () => {
  fc.assert(
    fc.property(list, ({ columns, rows }) => {
      const profiler = new ListProfiler(columns);
      for (const row of rows) profiler.add(row);
      const profile = profiler.profile();
      const recognition = recogniseList(profile, SHIPPED_MAPPINGS);
      expect(recogniseList(profile, SHIPPED_MAPPINGS)).toEqual(recognition);
      const { draft, questions } = recognition;
      if (draft === undefined) {
        expect(questions.map(({ code }) => code)).toContain('identifier-missing');
        return;
      }
      NewMappingDocument.parse(draft);
      expect(documentHash(MappingDocument.parse(tidyDocument(draft)))).toBe(documentHash(draft));
      for (const { path, choices } of questions) {
        expect([path, hasPlace(draft, path)]).toEqual([path, true]);
        expect(choices.every(({ label }) => label !== '')).toBe(true);
      }
      const rules = JSON.stringify({ ...draft, columns: {}, source: {} });
      for (const field of Object.keys(draft.columns))
        expect(rules).toMatch(new RegExp(`["{]${field}["}]`, 'u'));
      const aliases = headerAliases(draft);
      for (const { header: name, field, confidence } of recognition.columns) {
        expect(confidence).toBeLessThanOrEqual(1);
        if (headerKey(name) !== '' && name.length <= 100) expect(aliases.get(foldHeader(name))).toBe(field);
      }
    }),
    { numRuns: longForm(500, 40) },
  );
});
