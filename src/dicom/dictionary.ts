/** The data dictionary of PS3.6. Tags are eight hexadecimal digits in upper case. */
export interface Dictionary {
  tagOf(keyword: string): string | undefined;
  keywordOf(tag: string): string | undefined;
  /** The VR as PS3.6 writes it. For an element that can have several VRs, this is a text such as `OB or OW`. */
  representationOf(tag: string): string | undefined;
}

/** Command elements (PS3.7 Annex E) that occur in responses. PS3.6 does not list them. */
const COMMAND_KEYWORDS: ReadonlyMap<string, string> = new Map([['00000902', 'ErrorComment']]);

let opened: Promise<Dictionary> | undefined;

/** Loads the data dictionary on first use, because it is large and few requests need it. */
export function openDictionary(): Promise<Dictionary> {
  opened ??= read();
  return opened;
}

async function read(): Promise<Dictionary> {
  const { tags, elements } = await import('@iwharris/dicom-data-dictionary');
  const entryOf = (tag: string) => {
    const [group, element] = [tag.slice(0, 4), tag.slice(4)];
    return elements[`(${group},${element})`] ?? elements[`(${group.slice(0, 2)}xx,${element})`];
  };
  return {
    tagOf: (keyword) => {
      const tag = Object.hasOwn(tags, keyword) ? tags[keyword]?.replace(/[(),]/g, '') : undefined;
      // The keyword of a repeating group belongs to several elements, so it has no single tag.
      return tag !== undefined && /^[0-9A-F]{8}$/.test(tag) ? tag : undefined;
    },
    keywordOf: (tag) => {
      const entry = entryOf(tag);
      if (entry === undefined) return COMMAND_KEYWORDS.get(tag);
      return entry.keyword === '' ? undefined : entry.keyword;
    },
    representationOf: (tag) => entryOf(tag)?.vr,
  };
}
