import type { JsonDataSet } from './dicom.json.js';

const MIME_TYPE = '00420012';
const LENGTH = '00420015';

/** Encapsulated Document. */
export const ENCAPSULATED_DOCUMENT = '00420011';

/** Media types of encapsulated documents by SOP class (PS3.3 §A.45, PS3.18 table 8.7.3-1). */
const BY_CLASS: ReadonlyMap<string, string> = new Map([
  ['1.2.840.10008.5.1.4.1.1.104.1', 'application/pdf'],
  ['1.2.840.10008.5.1.4.1.1.104.2', 'text/xml'],
  ['1.2.840.10008.5.1.4.1.1.104.3', 'model/stl'],
  ['1.2.840.10008.5.1.4.1.1.104.4', 'model/obj'],
  ['1.2.840.10008.5.1.4.1.1.104.5', 'model/mtl'],
]);
const KNOWN: ReadonlySet<string> = new Set(BY_CLASS.values());

/** The media type of the documents of a SOP class. `undefined` for a SOP class whose instances contain no document of a known media type. */
export function documentTypeOf(sopClassUid: string): string | undefined {
  return BY_CLASS.get(sopClassUid);
}

/** An encapsulated document of a known media type. `length`: the number of bytes without padding, if the header contains it. */
export interface EncapsulatedDocument {
  readonly type: string;
  readonly length: number | undefined;
  readonly isEmpty: boolean;
}

/**
 * Describes the encapsulated document of an instance. The media type is the value in {@link BY_CLASS}. For a SOP class without such a
 * value, it is the MIME type in the header. Returns `undefined` when the media type is not one of the values in {@link BY_CLASS}.
 */
export function documentOf(sopClassUid: string, metadata: JsonDataSet): EncapsulatedDocument | undefined {
  const named = metadata[MIME_TYPE]?.Value?.[0];
  const type = BY_CLASS.get(sopClassUid) ?? (typeof named === 'string' ? named.toLowerCase() : '');
  if (!KNOWN.has(type)) return undefined;
  const length = metadata[LENGTH]?.Value?.[0];
  const { BulkDataURI, InlineBinary } = metadata[ENCAPSULATED_DOCUMENT] ?? {};
  return {
    type,
    length: typeof length === 'number' ? length : undefined,
    isEmpty: BulkDataURI === undefined && InlineBinary === undefined,
  };
}
