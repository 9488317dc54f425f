import { z } from 'zod';

/** A data set of the DICOM JSON model. */
export const DataSet = z.record(z.string(), z.record(z.string(), z.unknown()));
export type DataSet = z.infer<typeof DataSet>;
export const CorpusDataSets = z.array(DataSet);

const Texts = z.array(z.string().nullable());
const Numbers = z.array(z.number());
const PIXEL_DATA = '7FE00010';
const DEFLATED = '1.2.840.10008.1.2.1.99';
const NEXT_TO_ZERO = 1e-28;
const KATAKANA = /ISO(?:_IR| 2022 IR) 13(?!\d)/;
const Items = z.array(z.union([DataSet, z.null()]));

/**
 * A permitted difference between the gateway's response and the archive's response, with a reason and a function that recognises the
 * difference. All other values must be equal.
 */
interface Exception {
  readonly why: string;
  readonly is: (
    tag: string,
    ours: DataSet[string] | undefined,
    theirs: DataSet[string] | undefined,
    /** The stored file if both responses are about one instance, and otherwise an empty buffer. */
    file: Buffer,
  ) => boolean;
}

const PUBLIC = 'every URL is under PUBLIC_URL; the archive names itself';

/** The permitted differences of person names. */
const nameExceptions: readonly Exception[] = [
  {
    why: 'a group of a name that is empty is left out (PS3.18 F.2.2); the archive writes an empty one',
    is: (_, ours, theirs) =>
      ours?.['vr'] === 'PN' &&
      canonical(ours) === canonical(theirs)?.replace(/,"(Ideographic|Phonetic)":""/g, ''),
  },
  {
    why: 'the archive does not decode ISO 2022 IR 87 after ISO 2022 IR 13: half the name is its escape sequences',
    is: (_, ours, theirs) =>
      ours?.['vr'] === 'PN' &&
      canonical(ours)?.includes('山田^太郎') === true &&
      canonical(theirs)?.includes(';3ED^B@O:') === true,
  },
];

/** The permitted differences of metadata. */
export const metadataExceptions: readonly Exception[] = [
  ...nameExceptions,
  {
    why: 'JSON is UTF-8 and says so (PS3.18 F.2); the archive names the character set of the file',
    is: (tag, ours, theirs) =>
      tag === '00080005' && theirs !== undefined && ours?.['Value']?.toString() === 'ISO_IR 192',
  },
  {
    why: 'a text in which a backslash is a character has one value (PS3.5 §6.4); the archive takes it apart there',
    is: (_, ours, theirs) =>
      ['LT', 'ST', 'UT', 'UR'].includes(String(ours?.['vr'])) &&
      Texts.parse(ours?.['Value'] ?? [])[0] ===
        Texts.parse(theirs?.['Value'] ?? [])
          .map((part) => part ?? '')
          .join('\\'),
  },
  { why: PUBLIC, is: (_, ours, theirs) => ours?.['BulkDataURI'] !== undefined && isBulkOf(ours, theirs) },
  {
    why: 'elements stand in ascending order (PS3.5 §7.1): the archive stops reading at the pixels',
    is: (tag, ours, theirs) => tag > PIXEL_DATA && ours !== undefined && theirs === undefined,
  },
  {
    why: 'pixel data is an element like any other (PS3.18 F.2.6); the archive leaves that of deflated files out',
    is: (tag, ours, theirs, file) =>
      tag === PIXEL_DATA &&
      ours?.['BulkDataURI'] !== undefined &&
      theirs === undefined &&
      file.subarray(0, 1024).includes(DEFLATED),
  },
  {
    why: 'a sequence that a file calls UN is told as bytes, tags as what PS3.6 says (PS3.5 §6.2.2); the archive leaves both out',
    is: (tag, ours, theirs, file) =>
      theirs === undefined &&
      (ours?.['vr'] === 'AT' || (ours?.['vr'] === 'UN' && ours['BulkDataURI'] !== undefined)) &&
      isWritten(tag, 'UN', file),
  },
  {
    why: 'a number next to zero is a number (PS3.18 F.2.3); the archive writes one that is nearer to it than 1e-28 as zero',
    is: (_, ours, theirs) =>
      ours?.['vr'] === 'FL' &&
      canonical(
        Numbers.parse(ours['Value'] ?? []).map((value) => (Math.abs(value) < NEXT_TO_ZERO ? 0 : value)),
      ) === canonical(theirs?.['Value']),
  },
  {
    why: 'spaces that pad a value are no part of it (PS3.5 §6.2); the archive keeps them where a file calls the value UN',
    is: (_, ours, theirs) =>
      ours !== undefined && canonical(ours) === canonical(theirs)?.replaceAll(/ +"/g, '"'),
  },
  {
    why: 'empty items of a sequence stay (PS3.18 F.2.5); the archive leaves them out',
    is: (_, ours, theirs) => {
      const items = itemsOf(ours)?.filter((item) => item !== null && Object.keys(item).length > 0);
      return items !== undefined && canonical(items) === canonical(itemsOf(theirs));
    },
  },
  {
    why: 'the backslash of ISO_IR 13 and ISO 2022 IR 13 is a yen sign and separates values all the same (PS3.18 F.2.4); the archive takes it for a character, and what is no number then for nothing',
    is: (_, ours, theirs, file) => {
      if (!KATAKANA.test(file.toString('latin1', 0, 4096))) return false;
      const [joined, ...others] = z.array(z.unknown()).parse(theirs?.['Value'] ?? []);
      const values = z.array(z.unknown()).parse(ours?.['Value'] ?? []);
      if (ours?.['vr'] === 'DS') return values.length > 1 && joined === undefined && theirs !== undefined;
      return others.length === 0 && typeof joined === 'string' && joined === values.join('¥');
    },
  },
  {
    why: 'RetrieveURL is told of each instance (PS3.18 §10.4.1.1.2)',
    is: (tag, _, theirs) => isUrl(tag) && !theirs,
  },
];

/** The permitted differences between a stored file and the same file after the conversion to an uncompressed transfer syntax. */
export const recodedExceptions: readonly Exception[] = [
  {
    why: 'how decoded pixels lie: by pixel, in RGB, in the bits that the decoder gives',
    is: (tag) => ['00280004', '00280006', '00280100', '00280101', '00280102', '00280103'].includes(tag),
  },
  {
    why: 'decoded pixels may be words (PS3.5 §A.1), compressed ones are bytes (§A.4)',
    is: (tag, ours, theirs) => tag === '7FE00010' && ours?.['vr'] === 'OW' && theirs?.['vr'] === 'OB',
  },
  {
    why: 'metadata does not tell of what stands behind compressed pixels (docs/conformance.md)',
    is: (tag, _, theirs) => tag > PIXEL_DATA && theirs === undefined,
  },
];

/** The permitted differences of Request Attributes Sequence in search results. */
const requestsInPart: Exception = {
  why: 'of the items that say by what a series was requested both ids are told (PS3.18 table 10.6.1-5), the rest with includefield',
  is: (tag, ours, theirs) => {
    if (tag !== '00400275') return false;
    const ids = (itemsOf(theirs) ?? []).map((item) => ({
      '00400009': item?.['00400009'] ?? { vr: 'SH' },
      '00401001': item?.['00401001'] ?? { vr: 'SH' },
    }));
    const told = ids.filter((item) => Object.values(item).some(({ Value }) => Value !== undefined));
    return canonical(itemsOf(ours)) === canonical(told);
  },
};

const datesOfToday: Exception = {
  why: 'dates and times of old equipment are told as PS3.5 §6.2 writes them today, which is how searches match them; metadata tells them as stored',
  is: (tag, ours, theirs) =>
    ((tag === '00080020' && ours?.['vr'] === 'DA') || (tag === '00080030' && ours?.['vr'] === 'TM')) &&
    canonical(ours) === canonical(theirs)?.replace(/(?<=\d)[.:](?=\d\d[.:"])/g, ''),
};

/** The permitted differences between the gateway's and the archive's search results. */
export const searchExceptions: readonly Exception[] = [
  datesOfToday,
  { why: PUBLIC, is: (tag) => isUrl(tag) },
  {
    why: 'every attribute of the level is answered, empty where the study has none (PS3.18 §10.6.3.3); held against metadata elsewhere',
    is: (_, ours, theirs) => ours !== undefined && theirs === undefined,
  },
  {
    why: 'the catalog does not hold it: it comes with includefield (docs/conformance.md)',
    is: (tag, ours) => ours === undefined && tag === '00080201',
  },
  requestsInPart,
  ...nameExceptions,
];

/**
 * The permitted differences between a search result and the metadata of the instance. They are compared because the archive's search does
 * not return all attributes.
 */
export const catalogExceptions: readonly Exception[] = [
  datesOfToday,
  requestsInPart,
  ...nameExceptions,
  {
    why: 'the institution of a study is that of its first instance, since scopes hang on it (design)',
    is: (tag) => tag === '00080080',
  },
  {
    why: 'an image without Number of Frames has one (PS3.3 C.7.6.6)',
    is: (tag, ours, theirs) =>
      tag === '00280008' && theirs === undefined && ours?.['Value']?.toString() === '1',
  },
  {
    why: 'spaces that pad a value are no part of it (PS3.5 §6.2); the archive keeps them where a file calls the value UN',
    is: (_, ours, theirs) => canonical(ours) === canonical(theirs)?.replaceAll(/ +"/g, '"'),
  },
];

function isUrl(tag: string): boolean {
  return tag === '00081190';
}

/** Whether an explicit VR file contains an element with this tag and VR. Both byte orders are searched. */
function isWritten(tag: string, vr: string, file: Buffer): boolean {
  const big = Buffer.from(tag, 'hex');
  const little = Buffer.from(big).swap16();
  return [big, little].some((bytes) => file.includes(Buffer.concat([bytes, Buffer.from(vr, 'latin1')])));
}

/** Whether two bulk data URLs are equal except for the server, and the VRs are equal. */
function isBulkOf(ours: DataSet[string], theirs: DataSet[string] | undefined): boolean {
  const below = (one: DataSet[string] | undefined) =>
    /\/studies\/.*$/.exec(String(one?.['BulkDataURI']))?.[0];
  return ours['vr'] === theirs?.['vr'] && below(ours) === below(theirs);
}

/** All differences that are not permitted, including those inside sequences. Each difference is one line. */
export function differencesOf(
  ours: DataSet,
  theirs: DataSet,
  exceptions: readonly Exception[],
  file: Buffer = Buffer.alloc(0),
  path = '',
): string[] {
  const tags = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])];
  return tags.flatMap((tag) => {
    const [one, other] = [ours[tag], theirs[tag]];
    const [text, wanted] = [canonical(one), canonical(other)];
    if (text === wanted || exceptions.some(({ is }) => is(tag, one, other, file))) return [];
    const [items, others] = [itemsOf(one), itemsOf(other)];
    if (items === undefined || others === undefined || items.length !== others.length)
      return [`${path}${tag}: ${text ?? 'nothing'} and not ${wanted ?? 'nothing'}`];
    return items.flatMap((item, at) =>
      differencesOf(item ?? {}, others[at] ?? {}, exceptions, file, `${path}${tag}/${at + 1}/`),
    );
  });
}

function itemsOf(attribute: DataSet[string] | undefined) {
  if (attribute?.['vr'] !== 'SQ') return undefined;
  return Items.parse(attribute['Value'] ?? []);
}

/** A text that does not depend on the order of keys. */
function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}
