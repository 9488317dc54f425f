import { afterAll, beforeAll, expect, it } from 'vitest';
import { CostlyArchive, POLICIES, worstQueries } from './search.cost.ts';

/** A tenth of a catalog that searches must answer within a second: how many rows a plan touches grows with the catalog and not faster. */
const STUDIES = 1_000;
/** Steps of a plan that may see each study. */
const STEPS = 20;

let archive: CostlyArchive;
beforeAll(async () => {
  archive = await CostlyArchive.start(STUDIES);
});
afterAll(() => archive?.stop());

it.each(['everyone', 'partly'] as const)(
  'every key of a study search with its worst values, asked by %s, reads each row a few times at most',
  async (who) => {
    const dear: unknown[] = [];
    for (const query of worstQueries('study')) {
      const cost = await archive.cost(POLICIES[who], 'study', query);
      if (cost.rows > STEPS * STUDIES) dear.push(cost);
    }
    expect(dear).toEqual([]);
  },
);
