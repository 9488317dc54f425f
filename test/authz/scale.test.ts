import { expect, it } from 'vitest';
import { longForm } from '../support/long.form.ts';
import { measureScale, timesAsMany } from './scale.ts';

/** The short form of test/long/scale.test.ts. With fewer studies, PostgreSQL rightly reads whole tables, which are then small. */
it('the rights of an account and its list of studies cost about the same with several times as many studies', async () => {
  const [few, many] = await Promise.all(longForm([2_000, 20_000], [1_500, 6_000]).map(measureScale));
  if (few === undefined || many === undefined) throw new Error('no figures');
  expect(many.flatMap(({ whole }) => whole)).toEqual([]);
  for (const [question, times] of timesAsMany(few, many))
    expect([question, times]).toEqual([question, expect.toSatisfy((n: number) => n <= 2)]);
});
