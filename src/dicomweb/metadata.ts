import { z } from 'zod';
import { UpstreamFailed } from '../problems/errors.js';
import { resourceUrl } from './resource.urls.js';

const DataSet = z.record(z.string(), z.record(z.string(), z.unknown()));
const Texts = z.object({ Value: z.array(z.string().nullable()).default([]) }).default({ Value: [] });
const UidValue = z.object({ Value: z.tuple([z.string()]) });
const BULK = /\/bulk\/((?:[0-9a-fA-F]{8}(?:\/\d{1,5}\/)?)+)$/;

/** The SOP Instance UID of one object of the archive's metadata, and its text with every URL made public. */
export interface PublicMetadata {
  readonly sopUid: string;
  /** As written; several values joined by a backslash. */
  readonly patientId: string;
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
  return {
    sopUid,
    patientId: Texts.parse(parsed['00100020']).Value.join('\\'),
    text: JSON.stringify({ ...rewrite(parsed, url), '00081190': { vr: 'UR', Value: [url] } }),
  };
}

/** Whether it is this patient's, by the catalog's PatientID. */
export function isPatient(metadata: PublicMetadata, patientId: string): boolean {
  return bare(metadata.patientId) === bare(patientId);
}

/** Blanks around a value mean nothing (PS3.5 §6.2). */
function bare(text: string): string {
  return text
    .split('\\')
    .map((value) => value.trim())
    .join('\\');
}

function rewrite(value: Readonly<Record<string, unknown>>, url: string): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => {
      if (name === 'BulkDataURI') {
        const path = typeof inner === 'string' ? BULK.exec(inner)?.[1] : undefined;
        return path === undefined ? [] : [[name, `${url}/bulk/${path}`]];
      }
      return [[name, rewriteInner(inner, url)]];
    }),
  );
}

function rewriteInner(value: unknown, url: string): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => rewriteInner(one, url));
  if (typeof value === 'object' && value !== null) return rewrite({ ...value }, url);
  return value;
}
