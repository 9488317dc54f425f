import type { CatalogAttribute, Level } from '../../catalog/search.attributes.js';
import { attributesAt, type FoundItem } from '../../catalog/search.service.js';
import { inOrder, type JsonAttribute, jsonAttribute, type JsonDataSet } from '../../dicom/json/dicom.json.js';
import { resourceUrl } from '../http/resource.urls.js';

const UID_TAGS = { study: '0020000D', series: '0020000E', instance: '00080018' } as const;

/** The study, series or SOP Instance UID of a search result. */
export function uidOf(item: FoundItem, level: Level): string | undefined {
  const uid = item[UID_TAGS[level]];
  return uid === undefined || uid === null ? undefined : String(uid);
}

/** Converts a search result to a data set of the response. `included`: attributes that were read from the archive for `includefield`. */
export function foundDataSet(
  publicUrl: string,
  item: FoundItem,
  level: Level,
  included: JsonDataSet,
): JsonDataSet {
  const attributes = attributesAt(level);
  const stored = attributes
    .filter(({ matching }) => matching !== 'item')
    .map(({ tag, vr }) => [tag, jsonAttribute(vr, item[tag] ?? null)] as const);
  const url = resourceUrl(publicUrl, {
    study: uidOf(item, 'study') ?? '',
    series: uidOf(item, 'series'),
    instance: uidOf(item, 'instance'),
  });
  const fixed = [
    ['00080005', { vr: 'CS', Value: ['ISO_IR 192'] }],
    ['00080056', { vr: 'CS', Value: ['ONLINE'] }],
    ['00081190', { vr: 'UR', Value: [url] }],
  ] as const;
  const sequences = sequencesOf(
    attributes.filter(({ matching }) => matching === 'item'),
    item,
  );
  // The catalog does not store malformed numbers. So the value of the archive is used for them.
  const preferred = stored.filter(
    ([tag, { vr, Value }]) => vr !== 'IS' || Value !== undefined || included[tag] === undefined,
  );
  // Later entries replace earlier entries with the same tag. So a catalog value replaces the archive's value. A whole sequence from the
  // archive replaces the catalog's sequence, which has only some attributes.
  return inOrder([...new Map([...sequences, ...Object.entries(included), ...fixed, ...preferred])]);
}

/** The sequences that have attributes in the catalog. For each attribute, the catalog has a list with one value per item. */
function sequencesOf(attributes: readonly CatalogAttribute[], found: FoundItem): [string, JsonAttribute][] {
  const bySequence = Map.groupBy(attributes, ({ tag }) => tag.slice(0, 8));
  return [...bySequence].map(([sequence, nested]) => {
    const lists = nested.map(({ tag }) => listOf(found[tag]));
    const items = (lists[0] ?? []).map((_, index) =>
      Object.fromEntries(
        nested.map(({ tag, vr }, which) => [tag.slice(9), jsonAttribute(vr, lists[which]?.[index] ?? null)]),
      ),
    );
    return [sequence, items.length === 0 ? { vr: 'SQ' } : { vr: 'SQ', Value: items }];
  });
}

function listOf(value: FoundItem[string] | undefined): readonly string[] {
  return typeof value === 'object' && value !== null ? value : [];
}
