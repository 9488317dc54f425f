import { queryOptions } from '@tanstack/react-query';
import { dicomText, dicomValues } from '../client/dicom.json.ts';
import { bodyOf, gateway } from '../client/interface.client.ts';

const [SOP_CLASS, SOP_UID, NUMBER] = ['00080016', '00080018', '00200013'];
/** Encapsulated documents (PS3.3 A.45), and structured reports with key object selections (PS3.3 A.35). */
const DOCUMENT = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.104\.\d+$/;
const REPORT = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.88\.\d+$/;
/** Modalities of documents and reports (PS3.3 C.7.3.1.1.1). */
const DOCUMENTS = new Set(['DOC', 'KO', 'SR']);

/** An object of a series. `number` is null if the file has none. */
export interface SeriesObject {
  readonly uid: string;
  readonly number: number | null;
  readonly kind: 'document' | 'image' | 'report';
}

/** Whether the objects of this modality are read like a page. */
export function isDocument(modality: string): boolean {
  return DOCUMENTS.has(modality);
}

/** The path of an instance (PS3.18 §10.4). */
export function objectPath(study: string, series: string, uid: string): string {
  return `/dicom-web/studies/${study}/series/${series}/instances/${uid}`;
}

/** The first objects of a series, in the order of their numbers. */
export function objectsQuery(study: string, series: string, limit: number) {
  return queryOptions({
    queryKey: ['objects', study, series, limit],
    queryFn: async ({ signal }) => {
      const path = '/dicom-web/studies/{study}/series/{series}/instances';
      const params = { path: { study, series }, query: { limit: String(limit) } };
      const found: unknown = await bodyOf(gateway.GET(path, { params, signal }));
      return Array.isArray(found) ? found.map(objectOf) : [];
    },
  });
}

function objectOf(item: unknown): SeriesObject {
  const [number] = dicomValues(item, NUMBER);
  const sopClass = dicomText(item, SOP_CLASS);
  return {
    uid: dicomText(item, SOP_UID),
    number: number === undefined ? null : Number(number),
    kind: DOCUMENT.test(sopClass) ? 'document' : REPORT.test(sopClass) ? 'report' : 'image',
  };
}
