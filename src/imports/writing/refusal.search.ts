/**
 * The answer to a group that was sent: it was carried out, it was rejected and nothing of it was carried out, it is too large, or some members
 * have changed on the server. `named` are the members that the server named.
 */
export type GroupAnswer<Item> =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'refused'; readonly named: readonly Item[] }
  | { readonly kind: 'changed'; readonly named: readonly [Item, ...Item[]] };

/** Sends groups, and records which members were rejected. */
export interface GroupCalls<Item> {
  readonly send: (group: readonly Item[]) => Promise<GroupAnswer<Item>>;
  readonly refuse: (items: readonly Item[]) => Promise<void>;
}

/** The number of rejected members that are searched for. If there are more, halves are sent, because then most groups have one. */
const MOST_SEARCHES = 3;

/**
 * Sends items until each item was carried out, was rejected, or has changed. Returns the items that have changed. The first request contains
 * all items. A named member costs one more request for the rest. A member that the server does not name is found by a binary search: for one
 * rejected item of 50, at most 8 more requests. An item is rejected without a name only after it was sent alone.
 */
export async function sendGroups<Item>(
  items: readonly Item[],
  calls: GroupCalls<Item>,
  searches = 0,
): Promise<readonly Item[]> {
  const changed: Item[] = [];
  let rest = items;
  let left = searches;
  while (rest.length > 0) {
    const answer = await calls.send(rest);
    if (answer.kind === 'accepted') break;
    if (answer.kind === 'changed') {
      changed.push(...answer.named);
      rest = without(rest, answer.named);
    } else if (answer.kind === 'refused' && answer.named.length > 0) {
      await calls.refuse(answer.named);
      rest = without(rest, answer.named);
    } else if (rest.length === 1) {
      await calls.refuse(rest);
      break;
    } else if (answer.kind === 'refused' && left < MOST_SEARCHES) {
      left += 1;
      const found = await search(rest, calls);
      changed.push(...found.changed);
      rest = found.unknown;
    } else {
      const middle = rest.length >> 1;
      changed.push(...(await sendGroups(rest.slice(0, middle), calls, left)));
      rest = rest.slice(middle);
    }
  }
  return changed;
}

/**
 * Finds one rejected member of a group that was rejected as a whole. Returns the members that were neither carried out nor rejected.
 */
async function search<Item>(
  group: readonly Item[],
  { send, refuse }: GroupCalls<Item>,
): Promise<{ unknown: readonly Item[]; changed: readonly Item[] }> {
  const unknown: Item[] = [];
  let suspects = group;
  let isTested = false;
  while (suspects.length > 1) {
    const middle = (suspects.length + 1) >> 1;
    const first = suspects.slice(0, middle);
    const second = suspects.slice(middle);
    const answer = await send(first);
    if (answer.kind === 'accepted') {
      suspects = second;
      isTested = false;
    } else if (answer.kind === 'refused' && answer.named.length === 0) {
      unknown.push(...second);
      suspects = first;
      isTested = true;
    } else {
      if (answer.kind === 'refused') await refuse(answer.named);
      const named = answer.kind === 'too-large' ? [] : answer.named;
      const changed = answer.kind === 'changed' ? answer.named : [];
      return { unknown: [...without(first, named), ...second, ...unknown], changed };
    }
  }
  // If each half is accepted alone, the whole group was rejected for another reason.
  const answer = isTested ? undefined : await send(suspects);
  if (answer?.kind === 'accepted') return { unknown, changed: [] };
  if (answer?.kind === 'changed') return { unknown, changed: suspects };
  await refuse(suspects);
  return { unknown, changed: [] };
}

const without = <Item>(items: readonly Item[], gone: readonly Item[]): readonly Item[] => {
  const set = new Set(gone);
  return items.filter((item) => !set.has(item));
};
