import { type MadeElement } from './new.elements.js';

/** The patient of a new instance. Unknown values are empty (PS3.3 §C.7.1.1). */
export interface NewPatient {
  readonly patientId: string;
  readonly issuer: string;
  readonly name: string;
  readonly birthDate: string;
  readonly sex: string;
}

/** The study of a new instance (PS3.3 §C.7.2.1). Dates are DA, times are TM. Unknown values are empty. */
export interface NewStudy {
  readonly studyUid: string;
  readonly date: string;
  readonly time: string;
  readonly id: string;
  readonly accessionNumber: string;
  readonly description: string;
  readonly referringPhysician: string;
}

/** What a new instance belongs to, and its identity. */
export interface NewSubject {
  readonly patient: NewPatient;
  readonly study: NewStudy;
  readonly seriesUid: string;
  readonly sopUid: string;
  readonly modality: string;
  readonly bodyPart: string;
  /** The time of the new instance, in UTC. */
  readonly madeAt: Date;
}

/** A date as DA and a time as TM, in UTC. */
export function dicomTime(moment: Date): { readonly date: string; readonly time: string } {
  const digits = moment.toISOString().replaceAll(/\D/g, '');
  return { date: digits.slice(0, 8), time: digits.slice(8, 14) };
}

/** The elements of the modules Patient, General Study, General Series, General Equipment and SOP Common. */
export function subjectElements(subject: NewSubject, sopClassUid: string): MadeElement[] {
  const { patient, study, seriesUid, sopUid, modality, bodyPart, madeAt } = subject;
  const { date, time } = dicomTime(madeAt);
  return [
    [0x00080005, 'CS', 'ISO_IR 192'],
    [0x00080012, 'DA', date],
    [0x00080013, 'TM', time],
    [0x00080016, 'UI', sopClassUid],
    [0x00080018, 'UI', sopUid],
    [0x00080020, 'DA', study.date],
    [0x00080023, 'DA', date],
    [0x00080030, 'TM', study.time],
    [0x00080033, 'TM', time],
    [0x00080050, 'SH', study.accessionNumber],
    [0x00080060, 'CS', modality],
    [0x00080070, 'LO', ''],
    [0x00080090, 'PN', study.referringPhysician],
    [0x00080201, 'SH', '+0000'],
    ...optional(0x00081030, 'LO', study.description),
    [0x00100010, 'PN', patient.name],
    [0x00100020, 'LO', patient.patientId],
    ...optional(0x00100021, 'LO', patient.issuer),
    [0x00100030, 'DA', patient.birthDate],
    [0x00100040, 'CS', patient.sex],
    ...optional(0x00180015, 'CS', bodyPart),
    [0x0020000d, 'UI', study.studyUid],
    [0x0020000e, 'UI', seriesUid],
    [0x00200010, 'SH', study.id],
    [0x00200011, 'IS', '1'],
    [0x00200013, 'IS', '1'],
  ];
}

function optional(tag: number, vr: string, value: string): MadeElement[] {
  return value === '' ? [] : [[tag, vr, value]];
}
