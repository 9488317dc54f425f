import { uidFor } from './dicom.elements.ts';
import { ctSlice, type CtSlice } from './dicom.makers.ts';
import type { DemoStudy } from './dicom.modules.ts';
import type { DemoObject } from './demo.series.ts';
import { ABDOMEN, HEAD, THORAX, abdomenSlice, headSlice, phantomSlice } from './phantom.ts';

type Series = Omit<CtSlice, 'seriesUid' | 'sopUid' | 'frameOfReferenceUid' | 'index' | 'pixels'>;

/** Yields a CT of the thorax. The samples are unsigned, with an intercept. */
export function thoraxCt(study: DemoStudy, seriesUid: string): Generator<DemoObject> {
  return slices('thorax', seriesUid, phantomSlice, {
    study,
    seriesDescription: 'Thorax axial 3 mm',
    bodyPart: 'CHEST',
    geometry: THORAX,
    window: { center: 40, width: 400 },
    signed: false,
  });
}

/** The Series Instance UID of the head CT, for objects that refer to the series. */
export const HEAD_SERIES_UID = uidFor('radgate demo series head');

/** Yields a CT of the head. The samples are signed. */
export function headCt(study: DemoStudy): Generator<DemoObject> {
  return slices('head', HEAD_SERIES_UID, headSlice, {
    study,
    seriesDescription: 'Head axial 5 mm',
    bodyPart: 'HEAD',
    geometry: HEAD,
    window: { center: 40, width: 120 },
    signed: true,
  });
}

/** Yields a CT of the abdomen. The pixel data are compressed. */
export function abdomenCt(study: DemoStudy): Generator<DemoObject> {
  return slices('abdomen', uidFor('radgate demo series abdomen'), abdomenSlice, {
    study,
    seriesDescription: 'Abdomen axial 5 mm, RLE',
    bodyPart: 'ABDOMEN',
    geometry: ABDOMEN,
    window: { center: 60, width: 400 },
    signed: false,
    rle: true,
  });
}

function* slices(
  name: string,
  seriesUid: string,
  paint: (index: number) => Int16Array,
  series: Series,
): Generator<DemoObject> {
  for (let index = 0; index < series.geometry.slices; index += 1) {
    const sopUid = sliceUid(name, index);
    const frameOfReferenceUid = frameOfReference(name);
    const pixels = paint(index);
    yield { sopUid, file: ctSlice({ ...series, seriesUid, sopUid, frameOfReferenceUid, index, pixels }) };
  }
}

/** Returns the SOP Instance UID of a CT slice of the demo. The first slice has the index 0. */
export function sliceUid(name: string, index: number): string {
  return uidFor(`radgate demo ${name} slice ${index}`);
}

/** Returns the Frame of Reference UID of a CT series of the demo. */
export function frameOfReference(name: string): string {
  return uidFor(`radgate demo frame of reference ${name}`);
}
