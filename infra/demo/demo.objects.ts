import { uidFor } from './dicom.elements.ts';
import type { DemoStudy } from './dicom.modules.ts';
import { abdomenCt, headCt, thoraxCt } from './ct.series.ts';
import { headReport, headSegmentation } from './head.findings.ts';
import { brainMr, heartUltrasound, skinPhotograph, thoraxReport, type DemoObject } from './demo.series.ts';

/** The issuer of the patient identifiers of the hospital. */
export const DEMO_ISSUER = 'DEMO';

/** The institution of the first three patients. It is set by the sending account and not by the headers. */
export const DEMO_INSTITUTION = 'Radgate Demo Hospital';

/** The issuer of the patient identifiers of the clinic. The clinic assigns these identifiers independently of the hospital. */
export const CLINIC_ISSUER = 'DEMO-CLINIC';

/** The institution of the fourth patient. It is set only by the headers. */
export const CLINIC_INSTITUTION = 'Lakeside Clinic';

/** The study of the first patient: a CT of the thorax, and a report as PDF. */
export const NORTH_STUDY: DemoStudy = {
  studyUid: uidFor('radgate demo study thorax'),
  patient: { id: 'RG-1001', name: 'Phantom^Nora', issuer: DEMO_ISSUER, birthDate: '19700101', sex: 'F' },
  date: '20260112',
  description: 'CT Thorax (phantom)',
  accessionNumber: 'RG-A-1001',
  institution: DEMO_INSTITUTION,
};

/** The study of the second patient: a CT of the head, with a structured report and a segmentation of the finding. */
export const SOUTH_STUDY: DemoStudy = {
  studyUid: uidFor('radgate demo study head'),
  patient: { id: 'RG-2002', name: 'Phantom^Simon', issuer: DEMO_ISSUER, birthDate: '19650505', sex: 'M' },
  date: '20260114',
  description: 'CT Head (phantom)',
  accessionNumber: 'RG-A-2002',
  institution: DEMO_INSTITUTION,
};

/** The third patient. The name has accents. */
export const ANNE = {
  id: 'RG-3003',
  name: 'Müller^Änne',
  issuer: DEMO_ISSUER,
  birthDate: '19811231',
  sex: 'F',
};

/** The first study of the third patient: an MR of the head. */
export const MR_STUDY: DemoStudy = {
  studyUid: uidFor('radgate demo study brain'),
  patient: ANNE,
  date: '20260119',
  description: 'MR Brain (phantom)',
  accessionNumber: 'RG-A-3003',
  institution: DEMO_INSTITUTION,
};

/** The second study of the third patient: an ultrasound cine. The Institution Name of its machine is a room, not the hospital. */
export const ULTRASOUND_STUDY: DemoStudy = {
  studyUid: uidFor('radgate demo study heart'),
  patient: ANNE,
  date: '20260120',
  description: 'Echocardiography (phantom)',
  accessionNumber: 'RG-A-3004',
  institution: 'Echo room 2',
};

/** The fourth patient. The name has alphabetic, ideographic and phonetic groups (PS3.5 §6.2.1.2). */
export const TAROU = {
  id: 'LC-4004',
  name: 'Yamada^Tarou=山田^太郎=やまだ^たろう',
  issuer: CLINIC_ISSUER,
  birthDate: '19580815',
  sex: 'M',
};

/** The first study of the fourth patient: a CT of the abdomen with compressed pixel data. */
export const COMPRESSED_STUDY: DemoStudy = {
  studyUid: uidFor('radgate demo study abdomen'),
  patient: TAROU,
  date: '20260122',
  description: 'CT Abdomen (phantom, RLE)',
  accessionNumber: 'LC-A-4004',
  institution: CLINIC_INSTITUTION,
};

/** The second study of the fourth patient: a photograph. */
export const PHOTOGRAPH_STUDY: DemoStudy = {
  studyUid: uidFor('radgate demo study skin'),
  patient: TAROU,
  date: '20260123',
  description: 'Skin photograph (painted)',
  accessionNumber: 'LC-A-4005',
  institution: CLINIC_INSTITUTION,
};

/** The Series Instance UID of the thorax CT, for a test that opens the series. */
export const THORAX_SERIES_UID = uidFor('radgate demo series thorax');

/** Yields every object of the hospital, one after the other. The bytes are the same in each run. */
export function* hospitalObjects(): Generator<DemoObject> {
  yield* thoraxCt(NORTH_STUDY, THORAX_SERIES_UID);
  yield thoraxReport(NORTH_STUDY);
  yield* headCt(SOUTH_STUDY);
  yield headReport(SOUTH_STUDY);
  yield headSegmentation(SOUTH_STUDY);
  yield* brainMr(MR_STUDY);
  yield heartUltrasound(ULTRASOUND_STUDY);
}

/** Yields every object of the clinic, one after the other. The bytes are the same in each run. */
export function* clinicObjects(): Generator<DemoObject> {
  yield* abdomenCt(COMPRESSED_STUDY);
  yield skinPhotograph(PHOTOGRAPH_STUDY);
}
