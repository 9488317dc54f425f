import type { DicomElement } from './dicom.elements.ts';
import { SopClass, dicomFile, element } from './dicom.writer.ts';
import type { PhantomGeometry } from './phantom.ts';

/** Who and what a demo object belongs to. */
export interface DemoStudy {
  studyUid: string;
  patient: { id: string; name: string; issuer: string; birthDate: string; sex: string };
  date: string;
  description: string;
  accessionNumber: string;
  institution: string;
}

/** What a slice of a CT series is made of; `pixels` are Hounsfield units. */
export interface CtSlice {
  study: DemoStudy;
  seriesUid: string;
  sopUid: string;
  frameOfReferenceUid: string;
  seriesDescription: string;
  bodyPart: string;
  geometry: PhantomGeometry;
  window: { center: number; width: number };
  /** Whether samples are stored signed, or unsigned with an intercept of -1024. */
  signed: boolean;
  index: number;
  pixels: Int16Array;
}

/** A CT image (PS3.3 §A.3) as a Part 10 file: axial, 16 bit, with the rescale to Hounsfield units it needs. */
export function ctSlice(slice: CtSlice): Buffer {
  const { geometry, index, signed } = slice;
  const intercept = signed ? 0 : -1024;
  const corner = -((geometry.columns - 1) / 2) * geometry.spacing;
  const z = index * geometry.thickness;
  return dicomFile({
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
      element('00280002', 'US', [1]),
      element('00280004', 'CS', 'MONOCHROME2'),
      element('00280010', 'US', [geometry.rows]),
      element('00280011', 'US', [geometry.columns]),
      element('00280030', 'DS', `${geometry.spacing}\\${geometry.spacing}`),
      element('00280100', 'US', [16]),
      element('00280101', 'US', [16]),
      element('00280102', 'US', [15]),
      element('00280103', 'US', [signed ? 1 : 0]),
      element('00281050', 'DS', String(slice.window.center)),
      element('00281051', 'DS', String(slice.window.width)),
      element('00281052', 'DS', String(intercept)),
      element('00281053', 'DS', '1'),
      element('00281054', 'LO', 'HU'),
      element(
        '7FE00010',
        'OW',
        Array.from(slice.pixels, (value) => value - intercept),
      ),
    ],
  });
}

/** An Encapsulated PDF (PS3.3 §A.45.1) as a Part 10 file. */
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

function studyElements(study: DemoStudy, sopClassUid: string, sopUid: string): DicomElement[] {
  return [
    element('00080005', 'CS', 'ISO_IR 192'),
    element('00080016', 'UI', sopClassUid),
    element('00080018', 'UI', sopUid),
    element('00080020', 'DA', study.date),
    element('00080021', 'DA', study.date),
    element('00080022', 'DA', study.date),
    element('00080023', 'DA', study.date),
    element('00080030', 'TM', '101500'),
    element('00080031', 'TM', '101600'),
    element('00080032', 'TM', '101600'),
    element('00080033', 'TM', '101600'),
    element('00080050', 'SH', study.accessionNumber),
    element('00080070', 'LO', 'Radgate'),
    element('00080080', 'LO', study.institution),
    element('00080090', 'PN', ''),
    element('00081030', 'LO', study.description),
    element('00081090', 'LO', 'Phantom'),
    element('00100010', 'PN', study.patient.name),
    element('00100020', 'LO', study.patient.id),
    element('00100021', 'LO', study.patient.issuer),
    element('00100030', 'DA', study.patient.birthDate),
    element('00100040', 'CS', study.patient.sex),
    element('0020000D', 'UI', study.studyUid),
    element('00200010', 'SH', '1'),
  ];
}

function seriesElements(
  seriesUid: string,
  modality: string,
  number: number,
  description: string,
): DicomElement[] {
  return [
    element('00080060', 'CS', modality),
    element('0008103E', 'LO', description),
    element('0020000E', 'UI', seriesUid),
    element('00200011', 'IS', String(number)),
  ];
}
