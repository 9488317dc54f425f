import { expect, it } from 'vitest';
import { measureScale, timesAsMany } from '../authz/scale.ts';

it('100,000 grants, 1,000 groups, 100,000 studies, 1,000,000 instances: a part costs at most twice what it costs among a hundredth', async () => {
  const few = await measureScale(1_000);
  const many = await measureScale(100_000);
  console.log(few, many);
  expect(many.flatMap(({ whole }) => whole)).toEqual([]);
  for (const [question, times] of timesAsMany(few, many))
    expect([question, times]).toEqual([question, expect.toSatisfy((n: number) => n <= 2)]);
});
