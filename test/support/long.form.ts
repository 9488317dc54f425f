/** True in `npm run test:long`, which runs whole tables and heavy loads. `npm test` runs the short form of each test. */
export const isLong = process.env['RADGATE_LONG'] === '1';

/** Returns the first value in `npm run test:long`, and the second value in `npm test`. */
export const longForm = <T>(long: T, short: T): T => (isLong ? long : short);

/** The seed of {@link sample}. It is the same in each run, unless RADGATE_SEED gives another seed. */
const SEED = Number(process.env['RADGATE_SEED'] ?? 12);

/** In `npm run test:long`, returns all cases. In `npm test`, returns `count` cases that the seed selects, in their original order. */
export function sample<T>(cases: readonly T[], count: number): T[] {
  if (isLong || count >= cases.length) return [...cases];
  let state = SEED;
  const drawn = new Set<number>();
  while (drawn.size < count) {
    // The linear congruential generator of Numerical Recipes. Its high bits are random enough to select cases.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    drawn.add(Math.floor((state / 2 ** 32) * cases.length));
  }
  return cases.filter((_, at) => drawn.has(at));
}
