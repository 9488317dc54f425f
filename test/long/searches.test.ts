import { afterAll, beforeAll, expect, it } from 'vitest';
import { CostlyArchive, POLICIES, worstQueries } from '../catalog/search.cost.ts';

const STUDIES = 10_000;
/** The limit for the median duration of three runs, in milliseconds. */
const BOUND = 1_000;
const LEVELS = ['study', 'series', 'instance'] as const;

let archive: CostlyArchive;
beforeAll(async () => {
  archive = await CostlyArchive.start(STUDIES);
});
afterAll(() => archive?.stop());

it.each(LEVELS.flatMap((level) => [{ level, who: 'everyone' } as const, { level, who: 'partly' } as const]))(
  '10,000 studies, 100,000 instances: every key of a $level search with its worst values, asked by $who, takes at most 1 s',
  async ({ level, who }) => {
    const times: { query: string; milliseconds: number }[] = [];
    for (const query of worstQueries(level))
      times.push({ query, milliseconds: await archive.time(POLICIES[who], level, query, BOUND) });
    const slowest = times.toSorted((a, b) => b.milliseconds - a.milliseconds);
    console.log(level, who, slowest.slice(0, 3));
    expect(slowest.filter(({ milliseconds }) => milliseconds > BOUND)).toEqual([]);
  },
);
