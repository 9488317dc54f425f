import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GroupAnswer, sendGroups } from '../../src/imports/writing/refusal.search.js';
import { ServerFailures } from '../../src/imports/writing/server.failures.js';

type Server = (group: readonly number[]) => GroupAnswer<number>;

/** Sends the numbers from 0. Each number must be accepted, rejected or changed exactly once. */
async function sent(count: number, server: Server) {
  const accepted: number[] = [];
  const refused: number[] = [];
  let requests = 0;
  const changed = await sendGroups(
    Array.from({ length: count }, (_, at) => at),
    {
      send: async (group) => {
        requests += 1;
        const answer = server(group);
        if (answer.kind === 'accepted') accepted.push(...group);
        return answer;
      },
      refuse: async (items) => void refused.push(...items),
    },
  );
  const all = [...accepted, ...refused, ...changed];
  expect(all.toSorted((one, other) => one - other)).toEqual(Array.from({ length: count }, (_, at) => at));
  return { requests, refused: refused.toSorted((one, other) => one - other), changed };
}

/** A server that rejects these members, and names them or not. */
const rejecting =
  (bad: ReadonlySet<number>, isNamed: boolean): Server =>
  (group) => {
    const found = group.filter((one) => bad.has(one));
    if (found.length === 0) return { kind: 'accepted' };
    return { kind: 'refused', named: isNamed ? found : [] };
  };

it('costs at most 8 more requests for one rejected member of 50, and one more if the server names it', async () => {
  const costs = await Promise.all(
    Array.from({ length: 50 }, async (_, bad) => {
      const search = await sent(50, rejecting(new Set([bad]), false));
      const named = await sent(50, rejecting(new Set([bad]), true));
      expect([search.refused, named.refused]).toEqual([[bad], [bad]]);
      return [search.requests - 1, named.requests - 1];
    }),
  );
  expect(Math.max(...costs.map(([search = 99]) => search))).toBeLessThanOrEqual(8);
  expect(Math.max(...costs.map(([, named = 99]) => named))).toBe(1);
});

it('rejects exactly the rejected members of any group, named or not, within a bound', () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 50 }).chain((count) =>
        fc.record({
          count: fc.constant(count),
          bad: fc.uniqueArray(fc.integer({ min: 0, max: count - 1 })),
          isNamed: fc.boolean(),
        }),
      ),
      async ({ count, bad, isNamed }) => {
        const { requests, refused } = await sent(count, rejecting(new Set(bad), isNamed));
        expect(refused).toEqual(bad.toSorted((one, other) => one - other));
        const depth = Math.ceil(Math.log2(count));
        const most = isNamed
          ? 2
          : 1 + Math.min(bad.length, 3) * (depth + 2) + Math.max(0, bad.length - 3) * 2 * depth;
        expect(requests).toBeLessThanOrEqual(most);
      },
    ),
  ));

const limited: Server = (group) =>
  group.length > 10 || group.includes(7) ? { kind: 'too-large' } : { kind: 'accepted' };

it('splits a group that is too large, and rejects only a member that is too large alone', async () => {
  expect((await sent(50, limited)).refused).toEqual([7]);
});

const excluding: Server = (group) =>
  group.includes(3) && group.includes(30) ? { kind: 'refused', named: [] } : { kind: 'accepted' };

it('rejects nothing that is accepted alone', async () => {
  expect((await sent(50, excluding)).refused).toEqual([]);
});

const changing: Server = (group) =>
  group.includes(5) ? { kind: 'changed', named: [5] } : rejecting(new Set([40]), false)(group);
const changingLater: Server = (group) => {
  if (group.includes(40)) return { kind: 'refused', named: [] };
  return group.includes(5) && group.length < 30 ? { kind: 'changed', named: [5] } : { kind: 'accepted' };
};

it.each([changing, changingLater])(
  'keeps members that have changed, and sends the others (%#)',
  async (server) => {
    expect(await sent(50, server)).toMatchObject({ changed: [5], refused: [40] });
  },
);

/** Whether a row that fails alone is rejected. */
const isRejectedAlone = (failures: ServerFailures<number>, row: number) => {
  expect(failures.isPartOf([row])).toBe(true);
  return failures.waiting([row]).length === 0;
};

const failedTwice = (now?: () => number) => {
  const failures = new ServerFailures<number>(now);
  failures.wrote();
  expect(failures.isPartOf([1, 2])).toBe(false);
  failures.failed();
  expect(failures.isPartOf([1, 2])).toBe(false);
  failures.failed();
  expect(failures.isPartOf([1, 2])).toBe(true);
  return failures;
};

describe('a row for which the server fails', () => {
  it('is rejected only if it fails alone after the server has written other rows', () => {
    const failures = failedTwice();
    expect(isRejectedAlone(failures, 1)).toBe(false);
    failures.wrote();
    expect(failures.waiting([1])).toEqual([1]);
    expect(isRejectedAlone(failures, 1)).toBe(true);
    expect(failures.waiting([2])).toEqual([]);
  });

  it('is rejected after half an hour although the server has written nothing else', () => {
    let now = 0;
    const failures = failedTwice(() => now);
    expect(isRejectedAlone(failures, 1)).toBe(false);
    now = 30 * 60_000 - 1;
    expect(isRejectedAlone(failures, 1)).toBe(false);
    now += 1;
    expect(isRejectedAlone(failures, 1)).toBe(true);
  });
});
