import { describe, expect, it } from 'vitest';
import { csrfToken } from '../../portal/csrf.token.ts';
import { inWordsOf30 } from '../../portal/docs/document.version.ts';
import { routeSearch } from '../../portal/docs/route.search.ts';

describe('the search of the API page', () => {
  const matches = routeSearch({
    paths: {
      '/api/quarantine/{id}/decide': {
        post: {
          summary: 'Decides',
          description: 'Accepts or discards instances.',
          parameters: [{ name: 'id' }, {}],
        },
      },
      '/api/me': { get: {} },
    },
  });
  const cases = [
    ['/api/quarantine/{id}/decide', 'post', 'POST  discards', true],
    ['/api/quarantine/{id}/decide', 'post', '{id}', true],
    ['/api/quarantine/{id}/decide', 'post', 'post audit', false],
    ['/api/me', 'get', 'me', true],
    ['/api/me', 'get', 'post', false],
    ['/api/unknown', 'get', 'unknown', false],
  ] as const;
  it.each(cases)('%s %s matches %s: %s', (path, method, words, isFound) =>
    expect(matches(path, method, words)).toBe(isFound),
  );
});

it.each([
  ['a=1; csrf_token=x%2By; b=2', 'x+y'],
  ['not_csrf_token=1', ''],
  ['', ''],
])('the token of the cookies %s is %s', (cookies, token) => expect(csrfToken(cookies)).toBe(token));

it.each([
  [
    { type: ['string', 'null'], examples: ['a', 'b'] },
    { type: 'string', nullable: true, example: 'a' },
  ],
  [{ anyOf: [{ const: 1 }, { type: ['integer'] }] }, { anyOf: [{ enum: [1] }, { type: 'integer' }] }],
  [
    { properties: { type: { type: 'string', enum: ['x', null], default: { const: 1 } } } },
    { properties: { type: { type: 'string', enum: ['x', null], default: { const: 1 } } } },
  ],
  [null, null],
])('the schema %j of OpenAPI 3.1 is shown as %j', (schema, shown) =>
  expect(inWordsOf30(schema)).toEqual(shown),
);
