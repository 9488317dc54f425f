import { z } from 'zod';
import { type Dictionary, openDictionary } from '../dictionary.js';
import { escapeXml, xmlDocument, xmlElement } from './xml.writer.js';

const NAMESPACE = 'http://dicom.nema.org/PS3.19/models/NativeDICOM';

/** An attribute of the DICOM JSON model. The values of a sequence are data sets. */
const Attribute = z.object({
  vr: z.string(),
  Value: z.array(z.unknown()).optional(),
  BulkDataURI: z.string().optional(),
  InlineBinary: z.string().optional(),
});
const DataSet = z.record(z.string(), Attribute);
const Item = z.record(z.string(), z.unknown());
const PersonName = z.object({
  Alphabetic: z.string().optional(),
  Ideographic: z.string().optional(),
  Phonetic: z.string().optional(),
});
const Scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);
/** The components of a person name, in the order of PS3.5 §6.2.1.1. */
const NAME_PARTS = ['FamilyName', 'GivenName', 'MiddleName', 'NamePrefix', 'NameSuffix'] as const;
const GROUPS = ['Alphabetic', 'Ideographic', 'Phonetic'] as const;

/** A data set of the DICOM JSON model (PS3.18 F) as a document of the Native DICOM Model (PS3.19 A.1), in UTF-8. */
export async function nativeModelOf(dataSet: unknown): Promise<Buffer> {
  const content = attributes(dataSet, await openDictionary());
  return xmlDocument(xmlElement('NativeDicomModel', { xmlns: NAMESPACE, 'xml:space': 'preserve' }, content));
}

function attributes(dataSet: unknown, dictionary: Dictionary): string {
  const read = DataSet.parse(dataSet);
  return Object.entries(read)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([tag, { vr, Value = [], BulkDataURI, InlineBinary }]) =>
      xmlElement(
        'DicomAttribute',
        { tag, vr, keyword: dictionary.keywordOf(tag), privateCreator: creatorOf(tag, read) },
        ...Value.map((value, index) => valueOf(vr, value, index + 1, dictionary)),
        BulkDataURI === undefined ? '' : xmlElement('BulkData', { uri: BulkDataURI }),
        InlineBinary === undefined ? '' : xmlElement('InlineBinary', {}, escapeXml(InlineBinary)),
      ),
    )
    .join('');
}

/** The private creator of a private element: the element that reserves its block (PS3.5 §7.8.1). */
function creatorOf(tag: string, dataSet: z.infer<typeof DataSet>): string | undefined {
  const block = tag.slice(4, 6);
  if (Number.parseInt(tag.charAt(3), 16) % 2 === 0 || block === '00') return undefined;
  const creator = dataSet[`${tag.slice(0, 4)}00${block}`]?.Value?.[0];
  return typeof creator === 'string' ? creator : undefined;
}

/** Writes one value. An empty value has no XML element, and its number is left out. */
function valueOf(vr: string, value: unknown, number: number, dictionary: Dictionary): string {
  if (vr === 'SQ') return xmlElement('Item', { number }, attributes(Item.parse(value ?? {}), dictionary));
  if (value === null || value === '') return '';
  if (vr !== 'PN') return xmlElement('Value', { number }, escapeXml(Scalar.parse(value)));
  const name = PersonName.parse(value);
  return xmlElement('PersonName', { number }, ...GROUPS.map((group) => nameGroup(group, name[group] ?? '')));
}

function nameGroup(group: string, text: string): string {
  const parts = text.split('^');
  const written = NAME_PARTS.map((name, index) => {
    const part = parts[index] ?? '';
    return part === '' ? '' : xmlElement(name, {}, escapeXml(part));
  });
  return text === '' ? '' : xmlElement(group, {}, ...written);
}
