/** One attribute of the DICOM JSON model (PS3.18 F.2). */
export interface JsonAttribute {
  readonly vr: string;
  readonly Value?: readonly unknown[];
  readonly BulkDataURI?: string;
  readonly InlineBinary?: string;
}

/** A data set in the DICOM JSON model: attributes by tag, eight hexadecimal digits in upper case. */
export type JsonDataSet = Readonly<Record<string, JsonAttribute>>;

/** A data set with its attributes in ascending order of tags, as PS3.18 F.2.2 requires. */
export function inOrder(attributes: readonly Attribute[]): JsonDataSet {
  return Object.fromEntries(ascending(attributes));
}

type Attribute = readonly [tag: string, attribute: JsonAttribute];

/** Sorts only if needed, because the attributes of a file are nearly always in order. */
function ascending(attributes: readonly Attribute[]): readonly Attribute[] {
  const isAscending = attributes.every(([tag], at) => at === 0 || (attributes[at - 1]?.[0] ?? '') <= tag);
  return isAscending ? attributes : attributes.toSorted(([one], [other]) => (one < other ? -1 : 1));
}

/**
 * A data set as JSON text, with attributes in ascending order at every level (PS3.18 F.2.2). `JSON.stringify` alone would write tags that
 * look like an array index, such as 30060020, before all other tags.
 */
export function dataSetText(dataSet: JsonDataSet): string {
  return `{${ascending(Object.entries(dataSet))
    .map(([tag, attribute]) => `"${tag}":${attributeText(attribute)}`)
    .join(',')}}`;
}

function attributeText(attribute: JsonAttribute): string {
  const { vr, Value } = attribute;
  if (vr !== 'SQ' || Value === undefined) return JSON.stringify(attribute);
  return `{"vr":"SQ","Value":[${Value.map((item) => (isDataSet(item) ? dataSetText(item) : '{}')).join(',')}]}`;
}

/** The items of a sequence. Empty when the attribute is absent or is not a sequence. */
export function itemsOf(attribute: JsonAttribute | undefined): readonly JsonDataSet[] {
  return attribute?.vr === 'SQ' ? (attribute.Value ?? []).filter(isDataSet) : [];
}

function isDataSet(item: unknown): item is JsonDataSet {
  return typeof item === 'object' && item !== null;
}

const NUMERIC = new Set(['IS', 'DS', 'US', 'UL', 'SS', 'SL', 'FL', 'FD', 'SV', 'UV']);

/**
 * Converts a stored value to a JSON attribute. A person name is split into component groups, and a number becomes a JSON number. For an
 * empty value, the attribute has no `Value`.
 */
export function jsonAttribute(vr: string, value: string | number | readonly string[] | null): JsonAttribute {
  const values =
    typeof value === 'string'
      ? value.split('\\')
      : Array.isArray(value)
        ? value
        : value === null
          ? []
          : [value];
  if (values.every((one) => one === '')) return { vr };
  return { vr, Value: values.map((one) => jsonValue(vr, one)) };
}

function jsonValue(vr: string, value: string | number): unknown {
  if (value === '') return null;
  if (vr === 'PN') return personName(String(value));
  if (NUMERIC.has(vr)) return Number(value);
  return value;
}

/** Splits `Alphabetic=Ideographic=Phonetic` (PS3.5 §6.2.1) into the component groups of PS3.18 F.2.2. */
function personName(value: string): Readonly<Record<string, string>> {
  const [alphabetic, ideographic, phonetic] = value.split('=');
  return {
    ...(alphabetic ? { Alphabetic: alphabetic } : {}),
    ...(ideographic ? { Ideographic: ideographic } : {}),
    ...(phonetic ? { Phonetic: phonetic } : {}),
  };
}
