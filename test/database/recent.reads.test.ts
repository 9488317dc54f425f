import { array, assert, constantFrom, integer, nat, property, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecentReads } from '../../src/database/recent.reads.js';

describe('values that were read a short time ago', () => {
  test('are kept until their time is over', () => {
    const reads = new RecentReads<string>(10);
    reads.begin()('valid', 'value', 60_000);
    reads.begin()('expired', 'value', -1);
    expect(reads.get('valid')).toBe('value');
    expect(reads.get('expired')).toBeUndefined();
  });

  test('are not kept if a change was reported after their read began', () => {
    const reads = new RecentReads<string>(10);
    const [one, other] = [reads.begin(), reads.begin()];
    reads.drop('study');
    one('study', 'before the change');
    reads.clear();
    other('study', 'before the change');
    expect(reads.get('study')).toBeUndefined();
    reads.begin()('study', 'after the change');
    expect(reads.get('study')).toBe('after the change');
  });

  /** One step of a history: a read begins, a read that began ends, or the row of a key changes. */
  const step = record({ kind: constantFrom('begin', 'end', 'change', 'clear'), key: nat(3) });
  test('are never older than the last reported change, and never more than the limit', () => {
    assert(
      property(array(step, { maxLength: 60 }), integer({ min: 1, max: 4 }), (steps, limit) => {
        const reads = new RecentReads<number>(limit);
        const rows = new Map<string, number>();
        const begun: (() => void)[] = [];
        for (const [at, { kind, key: number }] of steps.entries()) {
          const key = String(number);
          if (kind === 'begin') {
            const keep = reads.begin();
            const value = rows.get(key) ?? 0;
            begun.push(() => keep(key, value));
          } else if (kind === 'end') begun.shift()?.();
          else {
            rows.set(key, at + 1);
            if (kind === 'change') reads.drop(key);
            else reads.clear();
          }
          const found = ['0', '1', '2', '3'].filter((one) => reads.get(one) !== undefined);
          expect(found.length).toBeLessThanOrEqual(limit);
          for (const one of found) expect(reads.get(one)).toBe(rows.get(one) ?? 0);
        }
      }),
    );
  });
});
