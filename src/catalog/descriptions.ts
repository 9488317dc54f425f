import { fold } from './folding.js';
import type { InstanceFacts } from './instance.facts.js';
import type { RequestedStep } from '../dicom/requested.steps.js';
import { isRegular } from '../dicom/uids.js';

/** Text is cut to what is worth searching, codes and dates to what an index takes. */
const TEXT = 1024;
const SHORT = 128;

/** The searchable columns of a study, from one instance's header. Long values are cut; NUL cannot be stored. */
export function describeStudy(facts: InstanceFacts) {
  const value = reader(facts);
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

/** The searchable columns of a series. */
export function describeSeries(facts: InstanceFacts) {
  const value = reader(facts);
  return {
    modality: facts.modality,
    seriesNumber: whole(value('00200011')),
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

/** The items that a series was requested by, as two lists of one length. */
export function describeRequests(requests: readonly RequestedStep[]) {
  return {
    requestSteps: requests.map(({ step }) => kept(step, SHORT)),
    requestProcedures: requests.map(({ procedure }) => kept(procedure, SHORT)),
  };
}

/** The columns of an instance; one without a frame count but with pixels has one frame. */
export function describeInstance(facts: InstanceFacts) {
  const value = reader(facts);
  const rows = whole(value('00280010'));
  return {
    sopUid: facts.sopUid,
    irregular: !hasRegularUids(facts),
    sopClassUid: facts.sopClassUid,
    modality: facts.modality,
    transferSyntax: facts.transferSyntax,
    instanceNumber: whole(value('00200013')),
    pixelRows: rows,
    pixelColumns: whole(value('00280011')),
    bitsAllocated: whole(value('00280100')),
    frames: rows === null ? 0 : (whole(value('00280008')) ?? 1),
  };
}

/** Whether all its UIDs keep the rule of PS3.5 §9.1. */
export function hasRegularUids({ studyUid, seriesUid, sopUid }: InstanceFacts): boolean {
  return [studyUid, seriesUid, sopUid].every(isRegular);
}

const LONG = new Set(['00081030', '0008103E', '00080090', '00100010', '00181030']);

function reader(facts: InstanceFacts): (tag: string) => string {
  return (tag) => kept(facts.attributes.get(tag) ?? '', LONG.has(tag) ? TEXT : SHORT);
}

function kept(text: string, most: number): string {
  return text.replaceAll('\0', '').trim().slice(0, most);
}

/** A date of ACR-NEMA equipment, `2024.02.28`, as DICOM writes it (PS3.5 §6.2, DA); everything else as it is. Migration 0055 does the same. */
function dateOf(text: string): string {
  return /^\d{4}\.\d{2}\.\d{2}$/.test(text) ? text.replaceAll('.', '') : text;
}

/** A time of ACR-NEMA equipment, `10:15:00.5`, as DICOM writes it (PS3.5 §6.2, TM); everything else as it is. Migration 0055 does the same. */
function timeOf(text: string): string {
  return /^\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$/.test(text) ? text.replaceAll(':', '') : text;
}

/** A whole number that Postgres' integer holds, else nothing. */
function whole(text: string): number | null {
  return /^[+-]?\d{1,9}$/.test(text.trim()) ? Number(text) : null;
}
