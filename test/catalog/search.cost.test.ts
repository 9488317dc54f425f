import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { longForm, sample } from '../support/long.form.ts';
import {
  CostlyArchive,
  FEW,
  fillShort,
  INSTANCES_EACH,
  POLICIES,
  readerOf,
  SCOPES_OF_FEW,
  worstQueries,
} from './search.cost.ts';

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

/** Enough studies that a plan that reads all of them is far beyond the limits of these tests. */
const MANY = longForm(100_000, 20_000);
const PAGE = 25;

/** What the watcher does with many changes. */
const SUM_UP = `
  with changes as (delete from visible_study_changes returning change)
  insert into visible_study_changes select sum(change) from changes`;

describe('lists among many studies', () => {
  let many: CostlyArchive;
  beforeAll(async () => {
    many = await CostlyArchive.start(MANY, fillShort);
    await many.change(SUM_UP);
  });
  afterAll(() => many?.stop());

  it.each(['limit=25', `limit=25&offset=${PAGE * 2}`])(
    'a list of all studies (%s) reads its page only, and has the exact total',
    async (query) => {
      const { found, rows } = await many.cost(POLICIES.everyone, 'study', query);
      expect(found).toBe(MANY);
      expect(rows).toBeLessThanOrEqual(3 * PAGE * 10);
    },
  );

  it('the total follows each insert, change and deletion, and survives that its parts are summed up', async () => {
    const total = async () => (await many.cost(POLICIES.everyone, 'study', 'limit=1')).found;
    await many.change(`
      insert into studies (study_uid, patient) select '1.3.' || n, 1 from generate_series(1, 5) n;
      insert into studies (study_uid, patient, instance_count) select '1.4.' || n, 1, 2 from generate_series(1, 7) n`);
    expect(await total()).toBe(MANY + 7);
    await many.change(`
      update studies set instance_count = 1 where study_uid in ('1.3.1', '1.4.1');
      update studies set instance_count = 0 where study_uid in ('1.4.2', '1.3.2')`);
    expect(await total()).toBe(MANY + 7);
    await many.change(
      `${SUM_UP}; delete from studies where study_uid like '1.3.%' or study_uid like '1.4.%'`,
    );
    expect(await total()).toBe(MANY);
  });

  it.each(Object.entries(SCOPES_OF_FEW))(
    'a list of the few studies of a reader with scopes of the kind %s reads these studies only',
    async (_, scopes) => {
      const { found, rows } = await many.cost(readerOf(scopes), 'study', 'limit=25');
      expect(found).toBe(FEW);
      expect(rows).toBeLessThanOrEqual(STEPS * FEW);
    },
  );
});
