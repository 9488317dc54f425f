import { PassThrough } from 'node:stream';
import { setImmediate as tick, setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Slots } from '../../src/limits/slots.ts';
import { closed, withStallLimit } from '../../src/limits/stall.limit.ts';
import { TooMany } from '../../src/problems/errors.ts';
import { longForm } from '../support/long.form.ts';

type State = 'waiting' | 'running' | 'done' | 'left' | 'refused';

/** One call of `run`. `end` completes the function that the call runs. */
interface Call {
  readonly account: string | undefined;
  readonly gone: AbortController;
  readonly work: PromiseWithResolvers<void>;
  state: State;
  settled: Promise<void>;
}

const Step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ what: fc.constant('run'), who: fc.constantFrom('a', 'b', 'c', undefined) }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constantFrom('end', 'throw', 'abort'), which: fc.nat(30) }) },
);
const Limits = fc.record({
  places: fc.integer({ min: 1, max: 4 }),
  perAccount: fc.integer({ min: 1, max: 3 }),
  queue: fc.integer({ min: 0, max: 6 }),
});

describe('slots', () => {
  it('over any sequence of run, end, throw, abort and a full queue: never more at once, fair, and every place comes back', async () => {
    await fc.assert(
      fc.asyncProperty(Limits, fc.array(Step, { maxLength: 60 }), async (limits, steps) => {
        const slots = new Slots(limits);
        const calls: Call[] = [];
        const inState = (state: State, account?: string | null) =>
          calls.filter((call) => call.state === state && (account === null || call.account === account));
        const heldBy = (account: string | undefined) => inState('running', account).length;

        const run = (account: string | undefined) => {
          const call: Call = {
            account,
            gone: new AbortController(),
            work: Promise.withResolvers(),
            state: 'waiting',
            settled: Promise.resolve(),
          };
          const others = inState('waiting', null);
          calls.push(call);
          const start = () => {
            // An account that gets a slot must not have more slots than any other waiting account.
            for (const other of inState('waiting', null).filter((one) => one !== call))
              if (other.account === undefined || heldBy(other.account) < limits.perAccount)
                expect(heldBy(call.account)).toBeLessThanOrEqual(heldBy(other.account));
            call.state = 'running';
            expect(inState('running', null).length).toBeLessThanOrEqual(limits.places);
            if (account !== undefined) expect(heldBy(account)).toBeLessThanOrEqual(limits.perAccount);
            return call.work.promise;
          };
          call.settled = slots.run(start, call.gone.signal, account).then(
            () => void (call.state = 'done'),
            (error: unknown) => {
              if (error instanceof TooMany) expect(others.length).toBe(limits.queue);
              call.state = error instanceof TooMany ? 'refused' : call.state === 'waiting' ? 'left' : 'done';
            },
          );
        };

        for (const step of steps) {
          if ('who' in step) run(step.who);
          else {
            const call = calls[step.which % Math.max(calls.length, 1)];
            if (step.what === 'abort') call?.gone.abort(new Error('gone'));
            else if (call?.state === 'running') {
              if (step.what === 'end') call.work.resolve();
              else call.work.reject(new Error('failed'));
            }
          }
          await tick();
          // No call may wait while a slot is free that the account of the call may take.
          if (inState('running', null).length < limits.places)
            for (const { account } of inState('waiting', null))
              expect(heldBy(account)).toBe(limits.perAccount);
        }
        for (const call of calls) call.work.resolve();
        await Promise.all(calls.map(({ settled }) => settled));

        const again = Array.from({ length: limits.places }, () => Promise.withResolvers<void>());
        let entered = 0;
        const all = again.map(({ promise }) =>
          slots.run(() => {
            entered += 1;
            return promise;
          }),
        );
        await tick();
        expect(entered).toBe(limits.places);
        for (const { resolve } of again) resolve();
        await Promise.all(all);
      }),
      { numRuns: longForm(500, 100) },
    );
  });

  it('a holder that is gone before its turn holds nothing, and one that came too late is refused with the reason', async () => {
    const slots = new Slots({ places: 1 });
    const reason = new Error('gone');
    await expect(slots.run(() => Promise.resolve(1), AbortSignal.abort(reason))).rejects.toBe(reason);
    const first = Promise.withResolvers<void>();
    const holding = slots.run(() => first.promise);
    const gone = new AbortController();
    let ran = false;
    const waiting = slots.run(async () => void (ran = true), gone.signal);
    // The waiting call gets the slot and is aborted at the same moment.
    first.resolve();
    gone.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await holding;
    expect(ran).toBe(false);
    expect(await slots.run(() => Promise.resolve('free'))).toBe('free');
  });
});

describe('a stall limit', () => {
  it('destroys both ends when the reader takes nothing, and lets a slow one be', async () => {
    const [source, slow] = [new PassThrough(), new PassThrough()];
    source.write(Buffer.alloc(1024));
    const stalled = withStallLimit(source, 50);
    await closed(stalled);
    expect(source.destroyed).toBe(true);
    const read = withStallLimit(slow, 400);
    read.resume();
    for (let round = 0; round < 6; round += 1) {
      slow.write('x');
      await sleep(100);
    }
    expect(read.destroyed).toBe(false);
    slow.end();
    await closed(read);
  });

  it('frees its reader when the source breaks', async () => {
    const source = new PassThrough();
    const out = withStallLimit(source, 60_000);
    source.destroy(new Error('broken'));
    await closed(out);
    await closed(out);
  });
});
