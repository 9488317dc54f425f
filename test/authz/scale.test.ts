import { expect, it } from 'vitest';
import { measureScale, timesAsMany } from './scale.ts';

/** The short form of test/long/scale.test.ts. */
it('the rights of an account and its list of studies cost about the same with ten times as many studies', async () => {
  const few = await measureScale(1_000);
  const many = await measureScale(10_000);
  expect(many.flatMap(({ whole }) => whole)).toEqual([]);
  for (const [question, times] of timesAsMany(few, many))
    expect([question, times]).toEqual([question, expect.toSatisfy((n: number) => n <= 2)]);
});
