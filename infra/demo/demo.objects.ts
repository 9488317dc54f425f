import { uidFor } from './dicom.elements.ts';
import { ctSlice, pdfObject, type DemoStudy } from './dicom.makers.ts';
import { makePdf } from './pdf.maker.ts';
import { HEAD, THORAX, headSlice, phantomSlice } from './phantom.ts';

/** The issuer of the demo's patient identifiers. */
export const DEMO_ISSUER = 'DEMO';

/** The institution of the demo's studies. */
export const DEMO_INSTITUTION = 'Radgate Demo Hospital';

/** First patient: a thorax CT and a report as PDF. */
export const NORTH_STUDY: DemoStudy = {
  studyUid: uidFor('radgate demo study thorax'),
  patient: { id: 'RG-1001', name: 'Phantom^Nora', issuer: DEMO_ISSUER, birthDate: '19700101', sex: 'F' },
  date: '20260112',
  description: 'CT Thorax (phantom)',
  accessionNumber: 'RG-A-1001',
  institution: DEMO_INSTITUTION,
};

/** Second patient: a head CT. */
export const SOUTH_STUDY: DemoStudy = {
  studyUid: uidFor('radgate demo study head'),
  patient: { id: 'RG-2002', name: 'Phantom^Simon', issuer: DEMO_ISSUER, birthDate: '19650505', sex: 'M' },
  date: '20260114',
  description: 'CT Head (phantom)',
  accessionNumber: 'RG-A-2002',
  institution: DEMO_INSTITUTION,
};

/** An object to be stored: its SOP Instance UID and its Part 10 file. */
export interface DemoObject {
  sopUid: string;
  file: Buffer;
}

/** The series of the thorax CT, for a test that opens it. */
export const THORAX_SERIES_UID = uidFor('radgate demo series thorax');

/** Every object of the demo, made one at a time, the same bytes each time. */
export function* demoObjects(): Generator<DemoObject> {
  for (let index = 0; index < THORAX.slices; index += 1) yield thorax(index);
  yield report();
  for (let index = 0; index < HEAD.slices; index += 1) yield head(index);
}

function thorax(index: number): DemoObject {
  const sopUid = uidFor(`radgate demo thorax slice ${index}`);
  const file = ctSlice({
    study: NORTH_STUDY,
    seriesUid: THORAX_SERIES_UID,
    sopUid,
    frameOfReferenceUid: uidFor('radgate demo frame of reference thorax'),
    seriesDescription: 'Thorax axial 3 mm',
    bodyPart: 'CHEST',
    geometry: THORAX,
    window: { center: 40, width: 400 },
    signed: false,
    index,
    pixels: phantomSlice(index),
  });
  return { sopUid, file };
}

function head(index: number): DemoObject {
  const sopUid = uidFor(`radgate demo head slice ${index}`);
  const file = ctSlice({
    study: SOUTH_STUDY,
    seriesUid: uidFor('radgate demo series head'),
    sopUid,
    frameOfReferenceUid: uidFor('radgate demo frame of reference head'),
    seriesDescription: 'Head axial 5 mm',
    bodyPart: 'HEAD',
    geometry: HEAD,
    window: { center: 40, width: 120 },
    signed: true,
    index,
    pixels: headSlice(index),
  });
  return { sopUid, file };
}

function report(): DemoObject {
  const sopUid = uidFor('radgate demo report');
  const title = 'Radiology report (sample)';
  const pdf = makePdf(title, [
    `Patient: Phantom, Nora (${NORTH_STUDY.patient.id})`,
    'Examination: CT Thorax, 12 January 2026',
    '',
    'Finding: a phantom of plain shapes; the bead goes once round along z.',
    'Impression: no patient was imaged to make this sample.',
  ]);
  return {
    sopUid,
    file: pdfObject({
      study: NORTH_STUDY,
      seriesUid: uidFor('radgate demo series report'),
      sopUid,
      title,
      pdf,
    }),
  };
}
