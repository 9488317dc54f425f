import { afterAll, beforeAll, expect, it } from 'vitest';
import { longForm, sample } from '../support/long.form.ts';
import { CostlyArchive, INSTANCES_EACH, POLICIES, worstQueries } from './search.cost.ts';

/** The short form of test/long/searches.test.ts. The number of rows that a plan processes must not grow faster than the catalog. */
const STUDIES = longForm(200, 100);
/** The number of rows at each level. */
const HELD = { study: STUDIES, series: STUDIES, instance: STUDIES * INSTANCES_EACH };
/** The largest permitted number of plan steps that process the same row. */
const STEPS = 25;
const LEVELS = ['study', 'series', 'instance'] as const;

let archive: CostlyArchive;
beforeAll(async () => {
  archive = await CostlyArchive.start(STUDIES);
});
afterAll(() => archive?.stop());

const cases = LEVELS.flatMap((level) => [
  { level, who: 'everyone' } as const,
  { level, who: 'partly' } as const,
]);
it.each(sample(cases, 3))(
  'every key of a $level search with its worst values, asked by $who, reads each row a few times and sorts no wide rows but those of the page',
  async ({ level, who }) => {
    const dear: unknown[] = [];
    for (const query of sample(worstQueries(level), 30)) {
      const cost = await archive.cost(POLICIES[who], level, query);
      if (cost.rows > STEPS * HELD[level] || cost.wide > cost.limit) dear.push(cost);
    }
    expect(dear).toEqual([]);
  },
);
