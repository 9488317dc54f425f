import { expect, it } from 'vitest';
import { measure, timesAsMany } from './scale.ts';

/** The short form of test/long/scale.test.ts. */
it('what an account may, and the list of what it sees, cost about the same among ten times as many', async () => {
  const few = await measure(1_000);
  const many = await measure(10_000);
  expect(many.flatMap(({ whole }) => whole)).toEqual([]);
  for (const [question, times] of timesAsMany(few, many))
    expect([question, times]).toEqual([question, expect.toSatisfy((n: number) => n <= 2)]);
});
