import type { DicomElement } from './dicom.elements.ts';
import { element } from './dicom.writer.ts';

/** The patient, study and series of a demo object. */
export interface DemoStudy {
  studyUid: string;
  patient: { id: string; name: string; issuer: string; birthDate: string; sex: string };
  date: string;
  description: string;
  accessionNumber: string;
  institution: string;
}

/** Returns the attributes of the modules Patient, Study, Equipment and SOP Common (PS3.3 §C.7.1 to §C.7.5, §C.12.1) for one object. */
export function studyElements(study: DemoStudy, sopClassUid: string, sopUid: string): DicomElement[] {
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

/** Returns the attributes of the General Series module (PS3.3 §C.7.3.1). */
export function seriesElements(
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

/**
 * Returns the attributes of the Image Pixel module (PS3.3 §C.7.6.3) without the pixel data. By default, the samples are unsigned and use
 * all bits.
 */
export function imageElements(image: {
  rows: number;
  columns: number;
  samples: 1 | 3;
  bits: 8 | 16;
  signed?: boolean;
}): DicomElement[] {
  const { rows, columns, samples, bits } = image;
  return [
    element('00280002', 'US', [samples]),
    element('00280004', 'CS', samples === 3 ? 'RGB' : 'MONOCHROME2'),
    ...(samples === 3 ? [element('00280006', 'US', [0])] : []),
    element('00280010', 'US', [rows]),
    element('00280011', 'US', [columns]),
    element('00280100', 'US', [bits]),
    element('00280101', 'US', [bits]),
    element('00280102', 'US', [bits - 1]),
    element('00280103', 'US', [image.signed === true ? 1 : 0]),
  ];
}

/** Returns one item of a code sequence (PS3.3 §8.8). */
export function code(value: string, scheme: string, meaning: string): DicomElement[] {
  return [
    element('00080100', 'SH', value),
    element('00080102', 'SH', scheme),
    element('00080104', 'LO', meaning),
  ];
}
