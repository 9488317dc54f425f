import { assert, dictionary, jsonValue, pre, property, string } from 'fast-check';
import { expect, it } from 'vitest';
import { changedAt, parsedJson, documentValue } from '../../portal/records/draft.changes.ts';

it.each([
  [{ columns: { dob: { formats: ['a'] } } }, ['columns', 'dob', 'formats'], ['b']],
  [{ rules: [{ code: 1 }, { code: 2 }] }, ['rules', 1, 'code'], 3],
  [{}, ['source', 'zone'], 'Europe/Berlin'],
  [undefined, ['name'], 'clinic'],
])('of %j at %j is %j after the change', (document, path, value) => {
  const changed = changedAt(document, path, value);
  expect(documentValue(changed, path)).toEqual(value);
});

it('keeps all other parts of the document, and the document itself', () =>
  assert(
    property(dictionary(string(), jsonValue()), string(), jsonValue(), (document, name, value) => {
      pre(name !== '__proto__');
      const before = JSON.stringify(document);
      const rest = Object.entries(document).filter(([other]) => other !== name);
      const changed = changedAt(document, [name, 'x'], value);
      for (const [other, kept] of rest) expect(documentValue(changed, [other])).toEqual(kept);
      expect(JSON.stringify(document)).toBe(before);
    }),
  ));

it.each([
  ['{"a":1}', { a: 1 }],
  ['{"a":', undefined],
  ['', undefined],
])('the text %s is the JSON value %j', (text, value) => expect(parsedJson(text)).toEqual(value));
