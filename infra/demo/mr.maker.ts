import { imageElements, seriesElements, studyElements, type DemoStudy } from './dicom.modules.ts';
import { SopClass, dicomFile, element } from './dicom.writer.ts';
import { sliceOffset, type MrGeometry } from './mr.phantom.ts';

/** The values of a slice of an MR series. */
export interface MrSlice {
  study: DemoStudy;
  seriesUid: string;
  seriesNumber: number;
  seriesDescription: string;
  sopUid: string;
  frameOfReferenceUid: string;
  geometry: MrGeometry;
  /** Repetition Time and Echo Time in milliseconds. */
  timing: { repetition: number; echo: number };
  index: number;
  pixels: Int16Array;
}

/** Returns an MR image (PS3.3 §A.4) as a Part 10 file: a sagittal or coronal spin echo. */
export function makeMrSlice(slice: MrSlice): Buffer {
  const { geometry, index } = slice;
  const { plane, spacing, thickness } = geometry;
  const offset = sliceOffset(geometry, index);
  const left = (-(geometry.columns - 1) / 2) * spacing;
  const top = ((geometry.rows - 1) / 2) * spacing;
  const sagittal = plane === 'sagittal';
  return dicomFile({
    elements: [
      ...studyElements(slice.study, SopClass.mr, slice.sopUid),
      ...seriesElements(slice.seriesUid, 'MR', slice.seriesNumber, slice.seriesDescription),
      element('00080008', 'CS', String.raw`ORIGINAL\PRIMARY\OTHER`),
      element('00180015', 'CS', 'HEAD'),
      element('00180020', 'CS', 'SE'),
      element('00180021', 'CS', 'NONE'),
      element('00180022', 'CS', ''),
      element('00180023', 'CS', '2D'),
      element('00180050', 'DS', String(thickness)),
      element('00180080', 'DS', String(slice.timing.repetition)),
      element('00180081', 'DS', String(slice.timing.echo)),
      element('00180087', 'DS', '1.5'),
      element('00180088', 'DS', String(thickness)),
      element('00180091', 'IS', '1'),
      element('00181314', 'DS', '90'),
      element('00185100', 'CS', 'HFS'),
      element('00200012', 'IS', '1'),
      element('00200013', 'IS', String(index + 1)),
      element('00200032', 'DS', place(sagittal ? [offset, left, top] : [left, offset, top])),
      element('00200037', 'DS', sagittal ? String.raw`0\1\0\0\0\-1` : String.raw`1\0\0\0\0\-1`),
      element('00200052', 'UI', slice.frameOfReferenceUid),
      element('00201040', 'LO', ''),
      element('00201041', 'DS', rounded(offset)),
      ...imageElements({ ...geometry, samples: 1, bits: 16 }),
      element('00280030', 'DS', `${spacing}\\${spacing}`),
      element('00281050', 'DS', '480'),
      element('00281051', 'DS', '960'),
      element('7FE00010', 'OW', Array.from(slice.pixels)),
    ],
  });
}

function place(millimetres: readonly number[]): string {
  return millimetres.map(rounded).join('\\');
}

/** Formats a number as a decimal string, which has at most 16 characters (PS3.5 §6.2). */
function rounded(millimetres: number): string {
  return String(Number(millimetres.toFixed(3)));
}
