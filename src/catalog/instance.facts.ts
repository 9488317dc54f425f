import { z } from 'zod';
import { trimValues } from '../dicom/padding.js';
import { UpstreamFailed } from '../problems/errors.js';
import type { RequestedStep } from '../dicom/requested.steps.js';
import { SeriesUid, SopUid, StudyUid } from '../dicom/uids.js';

/** The header values of an instance that the catalog stores or compares. */
export interface InstanceFacts {
  readonly studyUid: StudyUid;
  readonly seriesUid: SeriesUid;
  readonly sopUid: SopUid;
  readonly sopClassUid: string;
  readonly transferSyntax: string;
  /** Patient ID without padding ({@link trimValues}). Can be empty. */
  readonly patientId: string;
  /** Issuer of Patient ID (0010,0021) without padding. Empty when absent. */
  readonly headerIssuer: string;
  readonly institution: string;
  readonly modality: string;
  readonly attributes: Attributes;
  readonly requests: readonly RequestedStep[];
}

/** Decoded header values by tag. The tag has eight hexadecimal digits in upper case. Multiple values are joined by a backslash. */
export type Attributes = ReadonlyMap<string, string>;

/** The tags that the catalog reads from a header. */
export const CATALOG_TAGS: ReadonlySet<string> = new Set([
  '00080005',
  '00080016',
  '00080018',
  '00080020',
  '00080021',
  '00080030',
  '00080031',
  '00080050',
  '00080060',
  '00080080',
  '00080090',
  '00081030',
  '0008103E',
  '00100010',
  '00100020',
  '00100021',
  '00100030',
  '00100040',
  '00180015',
  '00181030',
  '0020000D',
  '0020000E',
  '00200010',
  '00200011',
  '00200013',
  '00200060',
  '00280008',
  '00280010',
  '00280011',
  '00280100',
  '00400244',
  '00400245',
]);

/** Maximum length of a PatientID and of an issuer that the catalog accepts. LO allows 64 characters (PS3.5 §6.2). */
const KEY = 256;

/** Allows only digits and dots, because this value is written into response headers. */
const TransferSyntax = z.string().regex(/^[0-9.]{1,64}$/);

/** The identifiers in a header are missing or invalid. */
export class IdentityMissing extends UpstreamFailed {
  constructor() {
    super('reading the identifiers of an instance');
  }
}

/**
 * Reads the facts from the values of a header. Throws {@link IdentityMissing} if a UID or the transfer syntax is missing or malformed. Also
 * throws it if the PatientID or the issuer is too long or contains NUL.
 */
export function factsOf(
  attributes: Attributes,
  transferSyntax: string,
  requests: readonly RequestedStep[] = [],
): InstanceFacts {
  const value = (tag: string) => attributes.get(tag)?.trim() ?? '';
  const key = (tag: string) => trimValues(attributes.get(tag) ?? '');
  const studyUid = StudyUid.safeParse(value('0020000D'));
  const seriesUid = SeriesUid.safeParse(value('0020000E'));
  const sopUid = SopUid.safeParse(value('00080018'));
  const syntax = TransferSyntax.safeParse(transferSyntax.trim());
  if (!studyUid.success || !seriesUid.success || !sopUid.success || !syntax.success)
    throw new IdentityMissing();
  for (const tag of ['00100020', '00100021']) {
    if (key(tag).length > KEY || key(tag).includes('\0')) throw new IdentityMissing();
  }
  return {
    studyUid: studyUid.data,
    seriesUid: seriesUid.data,
    sopUid: sopUid.data,
    sopClassUid: short(value('00080016')),
    transferSyntax: syntax.data,
    patientId: key('00100020'),
    headerIssuer: key('00100021'),
    institution: short(key('00080080')),
    modality: short(value('00080060')),
    attributes,
    requests,
  };
}

/**
 * Cuts a text to the maximum length and removes NUL, which PostgreSQL cannot store. The values of a scope are never longer than this
 * maximum.
 */
function short(text: string): string {
  return text.replaceAll('\0', '').slice(0, KEY);
}

const ShortTags = z.record(z.string(), z.unknown());

/**
 * Converts Orthanc's `tags?short` to {@link Attributes}, without sequences. The keys in Orthanc's response are `gggg,eeee`, and the texts
 * are in UTF-8.
 */
export function attributesOfTags(tags: unknown): Attributes {
  const attributes = new Map<string, string>();
  for (const [tag, value] of Object.entries(ShortTags.parse(tags))) {
    if (typeof value === 'string') attributes.set(tag.replace(',', '').toUpperCase(), value);
  }
  return attributes;
}

/** Modalities without images (PS3.3 C.7.3.1.1.1), such as reports, annotations, plans and waveforms. */
const NOT_IMAGES = new Set([
  '',
  'SR',
  'KO',
  'PR',
  'SEG',
  'REG',
  'RTSTRUCT',
  'RTPLAN',
  'RTRECORD',
  'DOC',
  'FID',
  'ECG',
  'HD',
  'EPS',
  'AU',
  'PLAN',
  'RWV',
  'STAIN',
  'TEXTUREMAP',
  'IOL',
  'OPR',
  'ANN',
]);

/** Whether a series of this modality has images. The scope `modality` applies only to such series. */
export function isImageModality(modality: string): boolean {
  return !NOT_IMAGES.has(modality);
}
