import { array, assert, constantFrom, integer, property, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BackgroundPace } from '../../src/dicomweb/ahead/background.pace.js';
import { QuietQueue } from '../../src/dicomweb/ahead/quiet.queue.js';
import { StudyQueue } from '../../src/dicomweb/ahead/study.queue.js';

const QUIET_MS = 10;

describe('the queue of studies', () => {
  test('gives each quiet study once, the latest change first, and drops the earliest when it is full', () => {
    const steps = array(
      record({ key: constantFrom('a', 'b', 'c', 'd', 'take'), wait: integer({ min: 0, max: 15 }) }),
      { maxLength: 60 },
    );
    assert(
      property(steps, (all) => {
        const queue = new QuietQueue(QUIET_MS, 3);
        let [now, model]: [number, { key: string; at: number }[]] = [0, []];
        for (const { key, wait } of all) {
          now += wait;
          if (key === 'take') {
            const quiet = model.findLast(({ at }) => now - at >= QUIET_MS)?.key;
            expect(queue.take(now)).toBe(quiet);
            model = model.filter((one) => one.key !== quiet);
          } else {
            queue.note(key, now);
            model = [...model.filter((one) => one.key !== key), { key, at: now }].slice(-3);
          }
          for (const one of ['a', 'b', 'c', 'd'])
            expect(queue.has(one)).toBe(model.some((held) => held.key === one));
        }
      }),
    );
  });
});

test('a study that a client has opened comes before changed ones, and not again within a minute', () => {
  const queue = new StudyQueue(QUIET_MS, 10);
  for (const study of ['a', 'b', 'c']) queue.noteChange(study, 0);
  queue.noteAsked('a', 'series', 1);
  queue.noteAsked('d', undefined, 2);
  const taken = () => queue.take(QUIET_MS)?.study;
  expect(queue.isAsked).toBe(true);
  expect([taken(), queue.take(QUIET_MS), taken()]).toEqual([
    'd',
    { study: 'a', series: 'series', isAsked: true },
    'c',
  ]);
  queue.noteAsked('a', undefined, 59_000);
  expect(queue.isAsked).toBe(false);
  // After a change, there is something new to make.
  queue.noteChange('a', 59_000);
  queue.noteAsked('a', undefined, 59_001);
  queue.noteAsked('d', undefined, 61_000);
  expect([taken(), taken(), taken()]).toEqual(['d', 'a', 'b']);
});

describe('the pace of background work', () => {
  const never = new AbortController().signal;

  test('leaves the rest of the time to other work', async () => {
    const pace = new BackgroundPace(25, () => false);
    const begun = performance.now();
    await pace.step(() => new Promise((resolve) => setTimeout(resolve, 20)), never);
    expect(performance.now() - begun).toBeGreaterThan(75);
  });

  test('waits for requests, and stops waiting when it is stopped', async () => {
    let isBusy = true;
    const pace = new BackgroundPace(100, () => isBusy);
    const order: string[] = [];
    const step = pace.step(async () => void order.push('step'), never);
    await new Promise((resolve) => setTimeout(resolve, 60));
    order.push('request');
    isBusy = false;
    await step;
    expect(order).toEqual(['request', 'step']);
    const stop = new AbortController();
    isBusy = true;
    const stopped = pace.step(async () => void order.push('stopped'), stop.signal);
    stop.abort();
    await expect(stopped).rejects.toThrow();
    expect(order).toHaveLength(2);
  });
});
