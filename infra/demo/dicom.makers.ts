import { TransferSyntax } from './dicom.elements.ts';
import { imageElements, seriesElements, studyElements, type DemoStudy } from './dicom.modules.ts';
import { SopClass, dicomFile, element } from './dicom.writer.ts';
import type { PhantomGeometry } from './phantom.ts';
import { encodeRle } from './rle.encoder.ts';

/** The values of a slice of a CT series. `pixels` are Hounsfield units. */
export interface CtSlice {
  study: DemoStudy;
  seriesUid: string;
  sopUid: string;
  frameOfReferenceUid: string;
  seriesDescription: string;
  bodyPart: string;
  geometry: PhantomGeometry;
  window: { center: number; width: number };
  /** If true, samples are stored signed. Otherwise they are stored unsigned with an intercept of -1024. */
  signed: boolean;
  /** If true, the pixels are compressed (RLE Lossless). Otherwise they are uncompressed. */
  rle?: boolean;
  index: number;
  pixels: Int16Array;
}

/** Returns an axial CT image (PS3.3 §A.3) as a Part 10 file. The samples have 16 bits and are rescaled to Hounsfield units. */
export function ctSlice(slice: CtSlice): Buffer {
  const { geometry, index, signed } = slice;
  const intercept = signed ? 0 : -1024;
  const corner = -((geometry.columns - 1) / 2) * geometry.spacing;
  const z = index * geometry.thickness;
  const samples = Array.from(slice.pixels, (value) => value - intercept);
  return dicomFile({
    ...(slice.rle === true ? { transferSyntax: TransferSyntax.rle } : {}),
    elements: [
      ...studyElements(slice.study, SopClass.ct, slice.sopUid),
      ...seriesElements(slice.seriesUid, 'CT', 1, slice.seriesDescription),
      element('00080008', 'CS', String.raw`ORIGINAL\PRIMARY\AXIAL`),
      element('00180015', 'CS', slice.bodyPart),
      element('00180050', 'DS', String(geometry.thickness)),
      element('00180060', 'DS', '120'),
      element('00180088', 'DS', String(geometry.thickness)),
      element('00185100', 'CS', 'HFS'),
      element('00200012', 'IS', '1'),
      element('00200013', 'IS', String(index + 1)),
      element('00200032', 'DS', `${corner}\\${corner}\\${z}`),
      element('00200037', 'DS', String.raw`1\0\0\0\1\0`),
      element('00200052', 'UI', slice.frameOfReferenceUid),
      element('00201040', 'LO', ''),
      element('00201041', 'DS', String(z)),
      ...imageElements({ ...geometry, samples: 1, bits: 16, signed }),
      element('00280030', 'DS', `${geometry.spacing}\\${geometry.spacing}`),
      element('00281050', 'DS', String(slice.window.center)),
      element('00281051', 'DS', String(slice.window.width)),
      element('00281052', 'DS', String(intercept)),
      element('00281053', 'DS', '1'),
      element('00281054', 'LO', 'HU'),
      slice.rle === true
        ? element('7FE00010', 'OB', { fragments: [encodeRle(samples, geometry.columns)] })
        : element('7FE00010', 'OW', samples),
    ],
  });
}

/** Returns an Encapsulated PDF (PS3.3 §A.45.1) as a Part 10 file. */
export function pdfObject(object: {
  study: DemoStudy;
  seriesUid: string;
  sopUid: string;
  title: string;
  pdf: Buffer;
}): Buffer {
  return dicomFile({
    elements: [
      ...studyElements(object.study, SopClass.pdf, object.sopUid),
      ...seriesElements(object.seriesUid, 'DOC', 2, object.title),
      element('0008002A', 'DT', `${object.study.date}103000`),
      element('00080064', 'CS', 'WSD'),
      element('00200013', 'IS', '1'),
      element('00280301', 'CS', 'YES'),
      element('0040A043', 'SQ', { items: [] }),
      element('00420010', 'ST', object.title),
      element('00420011', 'OB', object.pdf),
      element('00420012', 'LO', 'application/pdf'),
      element('00420015', 'UL', [object.pdf.length]),
    ],
  });
}
