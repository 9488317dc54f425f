import { uidFor } from './dicom.elements.ts';
import type { DemoStudy } from './dicom.modules.ts';
import { abdomenCt, headCt, thoraxCt } from './ct.series.ts';
import { headReport, headSegmentation } from './head.findings.ts';
import { brainMr, heartUltrasound, skinPhotograph, thoraxReport, type DemoObject } from './demo.series.ts';

/** The issuer of the hospital's patient identifiers. */
export const DEMO_ISSUER = 'DEMO';

/** The institution of the first three patients. It comes from the sending account, not from the headers. */
export const DEMO_INSTITUTION = 'Radgate Demo Hospital';

/** The issuer of the clinic's patient identifiers. The clinic numbers its patients independently. */
export const CLINIC_ISSUER = 'DEMO-CLINIC';

/** The institution of the fourth patient. It comes only from the headers. */
export const CLINIC_INSTITUTION = 'Lakeside Clinic';

/** First patient: a thorax CT and a report as PDF. */
export const NORTH_STUDY: DemoStudy = {
  studyUid: uidFor('radgate demo study thorax'),
  patient: { id: 'RG-1001', name: 'Phantom^Nora', issuer: DEMO_ISSUER, birthDate: '19700101', sex: 'F' },
  date: '20260112',
  description: 'CT Thorax (phantom)',
  accessionNumber: 'RG-A-1001',
  institution: DEMO_INSTITUTION,
};

/** Second patient: a head CT, with a structured report and a segmentation of its finding. */
export const SOUTH_STUDY: DemoStudy = {
  studyUid: uidFor('radgate demo study head'),
  patient: { id: 'RG-2002', name: 'Phantom^Simon', issuer: DEMO_ISSUER, birthDate: '19650505', sex: 'M' },
  date: '20260114',
  description: 'CT Head (phantom)',
  accessionNumber: 'RG-A-2002',
  institution: DEMO_INSTITUTION,
};

/** Third patient, whose name has accents. */
export const ANNE = {
  id: 'RG-3003',
  name: 'Müller^Änne',
  issuer: DEMO_ISSUER,
  birthDate: '19811231',
  sex: 'F',
};

/** Third patient: an MR of the head. */
export const MR_STUDY: DemoStudy = {
  studyUid: uidFor('radgate demo study brain'),
  patient: ANNE,
  date: '20260119',
  description: 'MR Brain (phantom)',
  accessionNumber: 'RG-A-3003',
  institution: DEMO_INSTITUTION,
};

/** Third patient: an ultrasound cine, from a machine whose configured institution name is a room, not the hospital. */
export const ULTRASOUND_STUDY: DemoStudy = {
  studyUid: uidFor('radgate demo study heart'),
  patient: ANNE,
  date: '20260120',
  description: 'Echocardiography (phantom)',
  accessionNumber: 'RG-A-3004',
  institution: 'Echo room 2',
};

/** Fourth patient, whose name has alphabetic, ideographic and phonetic groups (PS3.5 §6.2.1.2). */
export const TAROU = {
  id: 'LC-4004',
  name: 'Yamada^Tarou=山田^太郎=やまだ^たろう',
  issuer: CLINIC_ISSUER,
  birthDate: '19580815',
  sex: 'M',
};

/** Fourth patient: an abdomen CT that is stored compressed. */
export const COMPRESSED_STUDY: DemoStudy = {
  studyUid: uidFor('radgate demo study abdomen'),
  patient: TAROU,
  date: '20260122',
  description: 'CT Abdomen (phantom, RLE)',
  accessionNumber: 'LC-A-4004',
  institution: CLINIC_INSTITUTION,
};

/** Fourth patient: a photograph. */
export const PHOTOGRAPH_STUDY: DemoStudy = {
  studyUid: uidFor('radgate demo study skin'),
  patient: TAROU,
  date: '20260123',
  description: 'Skin photograph (painted)',
  accessionNumber: 'LC-A-4005',
  institution: CLINIC_INSTITUTION,
};

/** The series of the thorax CT, for a test that opens it. */
export const THORAX_SERIES_UID = uidFor('radgate demo series thorax');

/** Yields every object of the hospital, one at a time. The bytes are the same in each run. */
export function* hospitalObjects(): Generator<DemoObject> {
  yield* thoraxCt(NORTH_STUDY, THORAX_SERIES_UID);
  yield thoraxReport(NORTH_STUDY);
  yield* headCt(SOUTH_STUDY);
  yield headReport(SOUTH_STUDY);
  yield headSegmentation(SOUTH_STUDY);
  yield* brainMr(MR_STUDY);
  yield heartUltrasound(ULTRASOUND_STUDY);
}

/** Yields every object of the clinic in the same way. */
export function* clinicObjects(): Generator<DemoObject> {
  yield* abdomenCt(COMPRESSED_STUDY);
  yield skinPhotograph(PHOTOGRAPH_STUDY);
}
