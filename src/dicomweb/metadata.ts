import { trimValues } from '../authz/padding.js';
import { z } from 'zod';
import { UpstreamFailed } from '../problems/errors.js';
import { resourceUrl } from './resource.urls.js';
import { isParagraph } from './stored.values.js';

const DataSet = z.record(z.string(), z.record(z.string(), z.unknown()));
const Texts = z.object({ Value: z.array(z.string().nullable()).default([]) }).default({ Value: [] });
const GROUPS = ['Alphabetic', 'Ideographic', 'Phonetic'] as const;
const Names = z
  .object({ Value: z.array(z.partialRecord(z.enum(GROUPS), z.string()).nullable()).default([]) })
  .default({ Value: [] });
const UidValue = z.object({ Value: z.tuple([z.string()]) });
const Parts = z.array(z.string().nullable());
const UTF_8 = { vr: 'CS', Value: ['ISO_IR 192'] };
const BULK = /\/bulk\/((?:[0-9a-fA-F]{8}(?:\/\d{1,5}\/)?)+)$/;

/** The SOP Instance UID of one object of the archive's metadata, and its text with every URL made public. */
export interface PublicMetadata {
  readonly sopUid: string;
  /** As written; several values joined by a backslash. */
  readonly patientId: string;
  /** Alphabetic, ideographic and phonetic group. */
  readonly patientName: readonly string[];
  readonly text: string;
}

/**
 * Reads one instance's DICOM JSON from the archive and rewrites it: bulk data addresses are ours, the archive's own addresses go.
 * Throws when it is not of the series that was asked for.
 */
export function publishMetadata(
  text: string,
  publicUrl: string,
  study: string,
  series: string,
): PublicMetadata {
  const parsed = DataSet.parse(JSON.parse(text));
  const uid = (tag: string) => UidValue.parse(parsed[tag]).Value[0];
  if (uid('0020000D') !== study || uid('0020000E') !== series)
    throw new UpstreamFailed('metadata of another series');
  const sopUid = uid('00080018');
  const url = resourceUrl(publicUrl, { study, series, instance: sopUid });
  // JSON is UTF-8 (PS3.18 F.2); archive and file name what the file is written in.
  const charset = parsed['00080005'] === undefined ? {} : { '00080005': UTF_8 };
  return {
    sopUid,
    patientId: Texts.parse(parsed['00100020']).Value.join('\\'),
    patientName: GROUPS.map((group) => Names.parse(parsed['00100010']).Value[0]?.[group] ?? ''),
    text: JSON.stringify({ ...rewrite(parsed, url), ...charset, '00081190': { vr: 'UR', Value: [url] } }),
  };
}

/** Whether it is this patient's, by the catalog's PatientID. */
export function isPatient(metadata: PublicMetadata, patientId: string): boolean {
  return trimValues(metadata.patientId) === trimValues(patientId);
}

/**
 * Whether its text is decoded, by the patient's name as the catalog has it: the archive leaves some character sets (ISO 2022 IR 87 after ISO 2022 IR 13)
 * as the bytes they are, and ASCII stands where other letters belong.
 */
export function isDecoded({ patientName }: PublicMetadata, known: string): boolean {
  return known.split('=').every((group, index) => {
    const written = patientName[index] ?? '';
    return isAscii(group) || written === '' || !isAscii(written);
  });
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

function rewrite(value: Readonly<Record<string, unknown>>, url: string): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => {
      if (name === 'BulkDataURI') {
        const path = typeof inner === 'string' ? BULK.exec(inner)?.[1] : undefined;
        return path === undefined ? [] : [[name, `${url}/bulk/${path}`]];
      }
      if (name === 'Value' && isParagraph(value['vr'])) return [[name, joined(inner)]];
      return [[name, rewriteInner(inner, url)]];
    }),
  );
}

/** The one value of a text in which a backslash is a character, at which the archive takes it apart. */
function joined(values: unknown): readonly string[] {
  return [
    Parts.parse(values)
      .map((part) => part ?? '')
      .join('\\'),
  ];
}

function rewriteInner(value: unknown, url: string): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => rewriteInner(one, url));
  if (typeof value === 'object' && value !== null) return rewrite({ ...value }, url);
  return value;
}
