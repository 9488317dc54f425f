import { describe, expect, it } from 'vitest';
import { profileList } from '../../src/csv/list.reading.js';
import { previewList } from '../../src/imports/jobs/list.preview.js';
import { SHIPPED_MAPPINGS } from '../../src/mapping/defaults.js';
import { NewMappingDocument } from '../../src/mapping/mapping.checks.js';
import { recogniseList } from '../../src/mapping/recognition/recognition.js';
import { ENGLISH_LISTS } from './lists/english.lists.ts';
import { FRENCH_LISTS } from './lists/french.lists.ts';
import { GERMAN_LISTS } from './lists/german.lists.ts';
import { factOf, opener } from './lists/made.list.ts';
import { PORTUGUESE_LISTS } from './lists/portuguese.lists.ts';
import { SPANISH_LISTS } from './lists/spanish.lists.ts';

const LISTS = [...ENGLISH_LISTS, ...PORTUGUESE_LISTS, ...SPANISH_LISTS, ...FRENCH_LISTS, ...GERMAN_LISTS];
const STATES = { written: 'w', waiting: 'i', rejected: 'r', duplicate: 'd' } as const;

/** A copy of a document with another value at a JSON Pointer. */
function corrected(node: unknown, [member = '', ...path]: readonly string[], value: unknown): unknown {
  const inner = (old: unknown) => (path.length === 0 ? value : corrected(old, path, value));
  if (Array.isArray(node)) return node.map((old: unknown, at) => (String(at) === member ? inner(old) : old));
  if (typeof node !== 'object' || node === null) throw new Error(`The draft has no member ${member}.`);
  const members = new Map<string, unknown>(Object.entries(node));
  return Object.fromEntries(members.set(member, inner(members.get(member))));
}

it('there are twenty lists, and a person corrects at most three places of each draft', () => {
  expect(LISTS).toHaveLength(20);
  expect(Math.max(...LISTS.map(({ corrections = [] }) => corrections.length))).toBeLessThanOrEqual(3);
});

describe('the draft for a list gives the resources that a person expects:', () => {
  it.each(LISTS.map((list) => [list.name, list] as const))('%s', async (_, list) => {
    const { corrections = [], questions = [], findings = [] } = list;
    const { profile } = await profileList(opener(list.bytes));
    const recognition = recogniseList(profile, SHIPPED_MAPPINGS, { today: '2026-03-01' });
    expect(recognition.questions.map(({ code }) => code)).toEqual(questions);
    const draft = corrections.reduce<unknown>(
      (document, [pointer, value]) => corrected(document, pointer.split('/').slice(1), value),
      recognition.draft,
    );
    const preview = await previewList(opener(list.bytes), NewMappingDocument.parse(draft), {
      asOf: '2026-03-01',
    });
    expect(preview.rows.flatMap(({ resources }) => resources.map(factOf))).toEqual(list.facts);
    expect(preview.rows.map(({ state }) => STATES[state]).join('')).toBe(list.states);
    expect(preview.rows.flatMap(({ row, issues }) => issues.map(({ code }) => `${row} ${code}`))).toEqual(
      findings,
    );
  });
});
