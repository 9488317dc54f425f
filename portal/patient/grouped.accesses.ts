/** Requests that one look at a study makes lie within this time. */
const ONE_LOOK_MS = 30 * 60_000;

/** What tells one look at images from another. */
interface Look {
  readonly at: string;
  readonly account: string | null;
  readonly organisation: string;
  readonly study_uid: string | null;
}

/**
 * Joins the accesses that belong to one look: the same account opened parts of the same study within half an hour. The accesses are sorted
 * by time. Of each look, the first access of the list stays.
 */
export function grouped<Access extends Look>(accesses: readonly Access[]): Access[] {
  const last = new Map<string, number>();
  return accesses.filter(({ at, account, organisation, study_uid }) => {
    const key = JSON.stringify([account, organisation, study_uid]);
    const time = Date.parse(at);
    const isSame = Math.abs((last.get(key) ?? -Infinity) - time) < ONE_LOOK_MS;
    last.set(key, time);
    return !isSame;
  });
}
