import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { FaultyProxy, Judge, Rejection, TestHapi } from '../support/hapi.ts';
import { isLong } from '../support/long.form.ts';
import type { World } from '../support/world.ts';
import { Clerk, type Report } from './import.world.ts';
import { cpfOf, list, row } from './lists.ts';

const ROWS = 50;
/** The position of the row that the server rejects. The patient of this row has a Condition. */
const badOf = (rows: number) => Math.floor((rows * 2) / 3);

const Transaction = z.looseObject({
  entry: z.array(
    z.looseObject({
      resource: z.looseObject({
        resourceType: z.string(),
        identifier: z.array(z.object({ system: z.string(), value: z.string() })),
      }),
    }),
  ),
});
const Findings = z.object({
  items: z.array(
    z.object({
      row: z.number(),
      issues: z.array(z.object({ code: z.string(), element: z.string().optional() })),
    }),
  ),
});

interface Case {
  readonly what: string;
  /** The response to a transaction with the bad patient at this entry. `count` is the number of entries. */
  readonly answer: (entry: number, identifier: string, count: number) => Rejection | undefined;
  /** The maximum number of requests in addition to those for a list without a bad row. */
  readonly most: number;
  readonly rejected: number;
  readonly element?: string;
  /** Runs only in the long form. refusal.search.test.ts and named.entries.test.ts check the search and the names without a server. */
  readonly isRare?: true;
}

const outcome = (...issue: object[]) => ({ resourceType: 'OperationOutcome', issue });
const error = (more: object) => ({ severity: 'error', code: 'processing', ...more });
const named = (entry: number) =>
  outcome(
    ...Array.from({ length: 20 }, (_, at) => ({
      severity: 'warning',
      code: 'invariant',
      expression: [`Bundle.entry[${at}].resource`],
    })),
    error({ expression: [`Bundle.entry[${entry}].resource/*Patient/null*/.birthDate`] }),
  );
const matched = (identifier: string) =>
  outcome(
    error({
      diagnostics: `Failed to CREATE Patient with match URL "Patient?${identifier}" because it matched 2`,
    }),
  );

let once = 0;
const CASES: readonly Case[] = [
  {
    what: '422 with the path of the entry',
    answer: (entry) => ({ status: 422, body: named(entry) }),
    most: 1,
    rejected: 1,
    element: 'Patient.birthDate',
  },
  {
    what: '422 without a path',
    isRare: true,
    answer: () => ({ status: 422, body: outcome(error({ diagnostics: 'no' })) }),
    most: 8,
    rejected: 1,
  },
  {
    what: '400 with the page of a proxy',
    isRare: true,
    answer: () => ({ status: 400, body: '<html>no</html>' }),
    most: 8,
    rejected: 1,
  },
  {
    what: '413 for more than 20 entries',
    answer: (_entry, _identifier, count) =>
      count > 20 ? { status: 413, body: '<html>large</html>' } : undefined,
    most: 8,
    rejected: 0,
  },
  {
    what: '412 with the condition of the entry, each time',
    isRare: true,
    answer: (_entry, identifier) => ({ status: 412, body: matched(identifier) }),
    most: 8,
    rejected: 1,
    element: 'Patient',
  },
  {
    what: '500 for one row, each time',
    answer: () => ({ status: 500, body: outcome(error({ diagnostics: 'no' })) }),
    most: 12,
    rejected: 1,
  },
  {
    what: '409 without a name, each time',
    isRare: true,
    answer: () => ({ status: 409, body: outcome(error({ diagnostics: 'no' })) }),
    most: 13,
    rejected: 1,
  },
  {
    what: '412 with the condition of the entry, once',
    isRare: true,
    answer: (_entry, identifier) =>
      (once += 1) === 1 ? { status: 412, body: matched(identifier) } : undefined,
    most: 5,
    rejected: 0,
  },
  {
    what: '404 with an OperationOutcome, each time',
    isRare: true,
    answer: (_entry, identifier) => ({ status: 404, body: matched(identifier) }),
    most: 8,
    rejected: 1,
    element: 'Patient',
  },
];

interface Place {
  readonly world: World;
  readonly hapi: TestHapi;
  readonly way: FaultyProxy;
}

/** Defines tests of transactions that the FHIR server rejects. `judgeBy` sets the judge of the proxy. */
export function rejectionScenarios(place: () => Place, judgeBy: (judge: Judge) => void): void {
  /** Imports a list. `judge` gets each transaction with the bad patient. `requests` is the number of requests for the rows of the list. */
  async function imported(
    judge: (entry: number, identifier: string, transaction: z.infer<typeof Transaction>) => ReturnType<Judge>,
    count = ROWS,
    judgeOther: Judge = () => undefined,
  ): Promise<{ clerk: Clerk; report: Report; requests: number }> {
    const { world, way } = place();
    const clerk = await Clerk.start(world);
    const bad = cpfOf(badOf(count)).replaceAll(/\D/g, '');
    judgeBy((body) => {
      const transaction = Transaction.parse(body);
      const entry = transaction.entry.findIndex(({ resource }) => resource.identifier[0]?.value === bad);
      const { system, value } = transaction.entry[entry]?.resource.identifier[0] ?? {};
      const rejection = entry < 0 ? undefined : judge(entry, `identifier=${system}|${value}`, transaction);
      return rejection ?? judgeOther(body);
    });
    const before = way.seen.length;
    const rows = Array.from({ length: count }, (_, at) =>
      row(cpfOf(at), at === badOf(count) ? { note: 'Diabético' } : {}),
    );
    const report = await clerk.import(list(...rows)).finally(() => judgeBy(() => undefined));
    return { clerk, report, requests: way.seen.length - before };
  }

  /** Checks that only the bad row is rejected, and returns the element in its finding. */
  async function rejectedElement(
    { clerk, report }: { clerk: Clerk; report: Report },
    rejected: number,
    count = ROWS,
  ) {
    expect(report).toMatchObject({ created: count - rejected, rejected });
    expect(await place().hapi.count(`Patient?identifier=${clerk.system}|`)).toBe(count - rejected);
    const page = await clerk.get(`/api/imports/${report.file_id}/rows?state=rejected`).expect(200);
    const { items } = Findings.parse(page.body);
    expect(items.map((one) => one.row)).toEqual(Array(rejected).fill(badOf(count) + 2));
    return items.flatMap(({ issues }) => issues).find(({ code }) => code === 'fhir-refused')?.element;
  }

  describe('a transaction that the server rejects', () => {
    let clean: number | undefined;

    it.each(CASES.filter(({ isRare }) => isLong || isRare === undefined))(
      'is sent again without the row to blame: $what',
      async ({ answer, most, rejected, element }) => {
        clean ??= (await imported(() => undefined)).requests;
        const done = await imported((entry, identifier, { entry: entries }) =>
          answer(entry, identifier, entries.length),
        );
        expect(await rejectedElement(done, rejected)).toBe(element);
        expect(done.requests - clean).toBeLessThanOrEqual(most);
      },
    );

    it('waits while the server answers 500 for every row', async () => {
      let failed = 0;
      const done = await imported(
        () => undefined,
        3,
        () => ((failed += 1) <= 8 ? { status: 500, body: outcome(error({ diagnostics: 'no' })) } : undefined),
      );
      expect(failed).toBeGreaterThan(8);
      expect(done.report).toMatchObject({ status: 'completed', created: 3, rejected: 0 });
    }, 60_000);
  });
}
