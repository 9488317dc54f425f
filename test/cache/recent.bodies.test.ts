import { array, assert, boolean, nat, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecentBodies } from '../../src/cache/recent.bodies.js';

describe('the recent bodies', () => {
  it('never exceed their limit, give what was added, and keep the last used body that fits', () => {
    const step = record({ path: nat(9).map(String), length: nat(60), isAdded: boolean() });
    assert(
      property(array(step, { maxLength: 60 }), (steps) => {
        const recent = new RecentBodies(100);
        const added = new Map<string, Buffer>();
        let lastUsed: string | undefined;
        for (const { path, length, isAdded } of steps) {
          if (isAdded) {
            added.set(path, Buffer.alloc(length));
            recent.add(path, added.get(path) ?? Buffer.alloc(0));
            lastUsed = path;
          } else if (recent.use(path) !== undefined) {
            expect(recent.use(path)).toBe(added.get(path));
            lastUsed = path;
          }
          expect(recent.bytes).toBeLessThanOrEqual(100);
          if (lastUsed !== undefined) expect(recent.use(lastUsed)).toBe(added.get(lastUsed));
        }
      }),
    );
  });

  it('do not keep a body that is longer than the limit', () => {
    const recent = new RecentBodies(10);
    recent.add('a', Buffer.alloc(5));
    recent.add('b', Buffer.alloc(11));
    expect(recent.use('b')).toBeUndefined();
    expect(recent.bytes).toBe(0);
  });
});
