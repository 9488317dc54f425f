import { z } from 'zod';
import { orthancIdOf, type OrthancId } from '../../orthanc/orthanc.id.js';
import type { InstanceUids } from '../../orthanc/orthanc.bytes.js';
import { UpstreamFailed } from '../../problems/errors.js';
import { inOrder, type JsonAttribute, type JsonDataSet } from '../../dicom/json/dicom.json.js';
import { bulkAttribute, PARAGRAPH_VRS, UTF_8 } from '../../dicom/json/stored.values.js';

/** A data set of the DICOM JSON model. */
export const DataSet = z.record(
  z.string(),
  z.object({
    vr: z.string(),
    Value: z.array(z.unknown()).exactOptional(),
    BulkDataURI: z.string().exactOptional(),
    InlineBinary: z.string().exactOptional(),
  }),
);
const OfOne = z.tuple([DataSet]);
const Parts = z.array(z.string().nullable());
const BULK = /\/bulk\/((?:[0-9a-fA-F]{8}(?:\/\d{1,5}\/)?)+)$/;

/**
 * Parses the DICOM JSON that the archive writes for one instance: an array with one item. Bulk data URLs are changed to begin with `url`.
 * The archive finds the instance by UIDs, but instances of two patients can have the same UIDs. So this function throws `UpstreamFailed`
 * when the data set belongs to another instance than `id`. It also throws for malformed JSON.
 */
export function archiveDataSet(json: string, uids: InstanceUids, id: OrthancId, url: string): JsonDataSet {
  const parsed = OfOne.safeParse(parsedJson(json));
  if (!parsed.success) throw new UpstreamFailed('metadata of an instance');
  const [dataSet] = parsed.data;
  const text = (tag: string) => (dataSet[tag]?.Value ?? []).join('\\');
  const { study, series, instance } = uids;
  const isNamed = text('0020000D') === study && text('0020000E') === series && text('00080018') === instance;
  if (!isNamed || orthancIdOf(text('00100020').trim(), study, series, instance) !== id)
    throw new UpstreamFailed('metadata of another instance');
  return published(dataSet, url);
}

/** Converts `path`, with item numbers from 1, to the archive's notation: tags as `gggg-eeee`, and item numbers from 0. */
export function archivePath(path: string): (string | number)[] {
  return path
    .split('/')
    .map((step, index) => (index % 2 === 1 ? Number(step) - 1 : `${step.slice(0, 4)}-${step.slice(4)}`));
}

function published(dataSet: JsonDataSet, url: string): JsonDataSet {
  return inOrder(Object.entries(dataSet).map(([tag, attribute]) => [tag, publishedOne(tag, attribute, url)]));
}

function publishedOne(tag: string, attribute: JsonAttribute, url: string): JsonAttribute {
  const { vr, Value, BulkDataURI } = attribute;
  if (BulkDataURI !== undefined) {
    const path = BULK.exec(BulkDataURI)?.[1];
    return path === undefined ? { vr } : bulkAttribute(vr, `${url}/bulk/${path}`);
  }
  // The text in JSON is UTF-8 (PS3.18 F.2), but the archive still reports the character set of the file.
  if (tag === '00080005') return UTF_8;
  if (Value === undefined) return attribute;
  if (vr === 'SQ') return { vr, Value: Value.map((item) => published(DataSet.parse(item ?? {}), url)) };
  return PARAGRAPH_VRS.has(vr) ? { vr, Value: [joined(Value)] } : attribute;
}

/** Joins the single value of a text VR that allows backslashes (PS3.5 §6.2). The archive splits such a value at backslashes. */
function joined(values: readonly unknown[]): string {
  return Parts.parse(values)
    .map((part) => part ?? '')
    .join('\\');
}

function parsedJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
