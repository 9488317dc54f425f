import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { WriteGroup } from '../../src/catalog/write.group.js';

const done = <T>(value: T) => ({ status: 'fulfilled', value }) as const;

it('every item gets its own outcome, in the order of arrival, whatever the groups are', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ after: fc.integer({ min: 0, max: 3 }), fails: fc.boolean() }), { maxLength: 250 }),
      async (items) => {
        const written: number[] = [];
        const sizes: number[] = [];
        let running = 0;
        const group = new WriteGroup<number, string>(
          async (numbers) => {
            expect((running += 1)).toBe(1);
            await sleep(1);
            running -= 1;
            written.push(...numbers);
            sizes.push(numbers.length);
            return numbers.map((at) =>
              items[at]?.fails === true ? { status: 'rejected', reason: at } : done(`${at} written`),
            );
          },
          () => 0,
        );
        const outcomes: Promise<PromiseSettledResult<string>[]>[] = [];
        for (const [at, { after }] of items.entries()) {
          outcomes.push(Promise.allSettled([group.add(at)]));
          if (after === 3) await sleep(0);
        }
        expect((await Promise.all(outcomes)).flat()).toEqual(
          items.map(({ fails }, at) => (fails ? { status: 'rejected', reason: at } : done(`${at} written`))),
        );
        expect(written).toEqual(items.map((_, at) => at));
        expect(Math.max(0, ...sizes)).toBeLessThanOrEqual(100);
      },
    ),
    { numRuns: 20 },
  );
});

it('items that arrive during a write are written together', async () => {
  const groups: number[][] = [];
  const group = new WriteGroup<number, number>(
    async (numbers) => {
      groups.push([...numbers]);
      await sleep(5);
      return numbers.map(done);
    },
    () => 0,
  );
  await Promise.all([1, 2, 3].map((number) => group.add(number)));
  expect(groups).toEqual([[1], [2, 3]]);
});

it('an error of a write reaches every item of its group and no other', async () => {
  const group = new WriteGroup<number, number>(
    async (numbers) => {
      if (numbers.includes(1)) throw new Error('lost');
      return numbers.map(done);
    },
    () => 0,
  );
  const [one, two] = await Promise.allSettled([group.add(1), group.add(2)]);
  expect([one, two]).toMatchObject([{ status: 'rejected' }, { status: 'fulfilled', value: 2 }]);
});
