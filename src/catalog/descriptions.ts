import { fold } from './folding.js';
import type { InstanceFacts } from './instance.facts.js';
import type { RequestedStep } from '../dicom/requested.steps.js';
import { isRegular } from '../dicom/uids.js';

/** Maximum lengths in characters. `LONGEST_CODE` is for codes and dates, which are indexed. */
const LONGEST_TEXT = 1024;
const LONGEST_CODE = 128;

/**
 * Returns the searchable columns of a study from the header of one instance. Long values are cut. NUL is removed because PostgreSQL cannot
 * store it.
 */
export function describeStudy(facts: InstanceFacts) {
  const value = attributeReader(facts);
  return {
    patientName: value('00100010'),
    patientNameKey: fold(value('00100010')),
    patientBirthDate: dateOf(value('00100030')),
    patientSex: value('00100040'),
    studyDate: dateOf(value('00080020')),
    studyTime: timeOf(value('00080030')),
    studyId: value('00200010'),
    accessionNumber: value('00080050'),
    studyDescription: value('00081030'),
    studyDescriptionKey: fold(value('00081030')),
    referringPhysician: value('00080090'),
    referringPhysicianKey: fold(value('00080090')),
  };
}

/** Returns the searchable columns of a series. */
export function describeSeries(facts: InstanceFacts) {
  const value = attributeReader(facts);
  return {
    modality: facts.modality,
    seriesNumber: integerOf(value('00200011')),
    seriesDescription: value('0008103E'),
    seriesDescriptionKey: fold(value('0008103E')),
    seriesDate: dateOf(value('00080021')),
    seriesTime: timeOf(value('00080031')),
    bodyPart: value('00180015'),
    laterality: value('00200060'),
    protocolName: value('00181030'),
    performedDate: dateOf(value('00400244')),
    performedTime: timeOf(value('00400245')),
    ...describeRequests(facts.requests),
  };
}

/** Returns the items of Request Attributes Sequence as two lists of the same length. */
export function describeRequests(requests: readonly RequestedStep[]) {
  return {
    requestSteps: requests.map(({ step }) => cut(step, LONGEST_CODE)),
    requestProcedures: requests.map(({ procedure }) => cut(procedure, LONGEST_CODE)),
  };
}

/** Returns the columns of an instance. An image without Number of Frames has one frame. */
export function describeInstance(facts: InstanceFacts) {
  const value = attributeReader(facts);
  const rows = integerOf(value('00280010'));
  return {
    sopUid: facts.sopUid,
    irregular: !hasRegularUids(facts),
    sopClassUid: facts.sopClassUid,
    modality: facts.modality,
    transferSyntax: facts.transferSyntax,
    instanceNumber: integerOf(value('00200013')),
    pixelRows: rows,
    pixelColumns: integerOf(value('00280011')),
    bitsAllocated: integerOf(value('00280100')),
    frames: rows === null ? 0 : (integerOf(value('00280008')) ?? 1),
  };
}

/** Whether the UIDs of study, series and instance all conform to PS3.5 §9.1. */
export function hasRegularUids({ studyUid, seriesUid, sopUid }: InstanceFacts): boolean {
  return [studyUid, seriesUid, sopUid].every(isRegular);
}

const LONG = new Set(['00081030', '0008103E', '00080090', '00100010', '00181030']);

function attributeReader(facts: InstanceFacts): (tag: string) => string {
  return (tag) => cut(facts.attributes.get(tag) ?? '', LONG.has(tag) ? LONGEST_TEXT : LONGEST_CODE);
}

function cut(text: string, longest: number): string {
  return text.replaceAll('\0', '').trim().slice(0, longest);
}

/**
 * Converts a date in the ACR-NEMA format (`2024.02.28`) to the VR DA (PS3.5 §6.2). Other values do not change. Migration 0055 makes the
 * same conversion.
 */
function dateOf(text: string): string {
  return /^\d{4}\.\d{2}\.\d{2}$/.test(text) ? text.replaceAll('.', '') : text;
}

/**
 * Converts a time in the ACR-NEMA format (`10:15:00.5`) to the VR TM (PS3.5 §6.2). Other values do not change. Migration 0055 makes the
 * same conversion.
 */
function timeOf(text: string): string {
  return /^\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$/.test(text) ? text.replaceAll(':', '') : text;
}

/** Returns an integer in the range of PostgreSQL's `integer`, or null for any other text. */
function integerOf(text: string): number | null {
  return /^[+-]?\d{1,9}$/.test(text.trim()) ? Number(text) : null;
}
