import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance, type InstanceOptions } from '../../infra/demo/dicom.writer.ts';
import type { Caller, Scope, World } from '../support/world.ts';
import { told } from './stow.answers.ts';

let world: World;

let anyone: Caller;

const storing = (...scopes: Scope[]) => scopes.map((scope) => ({ rights: ['studies:store'], scope }));

const OTHER_CONTENT = 0x0111;

const IDENTITY = 0x0110;

const NOT_PERMITTED = 0x0124;

/** Stores one instance. Returns its failure reason, or undefined if the instance is stored. */
async function failure(caller: Caller, options: InstanceOptions): Promise<unknown> {
  const answer = told(await world.store(caller, [makeInstance(options)]));
  return Object.values(answer.failed)[0];
}

async function studyRow(studyUid: string) {
  const [row] = await world.sql<
    { issuer: string; patient: string; institution: string; creator: string | null }[]
  >`
    select p.issuer, p.patient_id as patient, s.institution, s.created_by as creator
    from studies s join patients p on p.id = s.patient where s.study_uid = ${studyUid} and s.instance_count > 0`;
  return row;
}

/** The scenarios of scopes of `studies:store`. */
export function registerStowScopes(shared: () => World): void {
  describe('scopes of senders', () => {
    beforeAll(async () => {
      world = shared();
      anyone = await world.machine();
    });

    describe('the patient and account of a study', () => {
      it('its issuer is the header’s, else the machine account’s, else DEFAULT_ISSUER', async () => {
        const ward = await world.machine(storing({ kind: 'all' }), { issuer: 'WARD' });
        const [header, account, fallback] = [freshUid(), freshUid(), freshUid()];
        expect(await failure(ward, { studyUid: header, issuer: 'CARD' })).toBeUndefined();
        expect(await failure(ward, { studyUid: account })).toBeUndefined();
        expect(await failure(anyone, { studyUid: fallback })).toBeUndefined();
        expect(await studyRow(header)).toMatchObject({ issuer: 'CARD' });
        expect(await studyRow(account)).toMatchObject({ issuer: 'WARD' });
        expect(await studyRow(fallback)).toMatchObject({ issuer: 'TEST' });
      });

      it('an absent issuer agrees with the study’s, two different ones conflict', async () => {
        const studyUid = freshUid();
        expect(await failure(anyone, { studyUid, issuer: 'CARD' })).toBeUndefined();
        expect(await failure(anyone, { studyUid })).toBeUndefined();
        expect(await failure(anyone, { studyUid, issuer: 'LAB' })).toBe(IDENTITY);
        const ward = await world.machine(storing({ kind: 'all' }), { issuer: 'WARD' });
        expect(await failure(ward, { studyUid })).toBe(IDENTITY);
      });

      it('PatientID is trimmed', async () => {
        const studyUid = freshUid();
        expect(await failure(anyone, { studyUid, patientId: ' MRN-1 ' })).toBeUndefined();
        expect(await failure(anyone, { studyUid, patientId: 'MRN-1' })).toBeUndefined();
        expect(await studyRow(studyUid)).toMatchObject({ patient: 'MRN-1' });
      });

      it('an empty PatientID is a patient of its own study, whom no patient scope meets', async () => {
        const [first, second] = [freshUid(), freshUid()];
        expect(await failure(anyone, { studyUid: first, patientId: '' })).toBeUndefined();
        expect(await failure(anyone, { studyUid: second, patientId: '' })).toBeUndefined();
        const patients =
          await world.sql`select distinct patient from studies where study_uid = any(${[first, second]})`;
        expect(patients).toHaveLength(2);
        const reader = await world.person({
          rights: ['studies:read'],
          scope: { kind: 'patient', issuer: 'TEST', patient_id: 'X' },
        });
        expect((await world.get(reader, '/studies').expect(200)).body).toEqual([]);
      });
    });

    describe('identities that conflict', () => {
      it('a study has one patient, a series one study, a SOP Instance UID one place: 0x0110 to who may see', async () => {
        const uids = { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid() };
        expect(await failure(anyone, uids)).toBeUndefined();
        expect(await failure(anyone, { studyUid: uids.studyUid, patientId: 'ELSE' })).toBe(IDENTITY);
        expect(await failure(anyone, { seriesUid: uids.seriesUid })).toBe(IDENTITY);
        expect(await failure(anyone, { sopUid: uids.sopUid })).toBe(IDENTITY);
        expect(await failure(anyone, { ...uids, seriesUid: freshUid() })).toBe(IDENTITY);
        expect(await failure(anyone, { ...uids, studyDescription: 'else' })).toBe(OTHER_CONTENT);
      });

      it('with an object out of scope are 0x0124, like a missing permission', async () => {
        const hidden = { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid() };
        expect(await failure(anyone, hidden)).toBeUndefined();
        const [own, never] = [freshUid(), freshUid()];
        const narrow = await world.machine(storing({ kind: 'study', study_uid: own }));
        expect(await failure(narrow, { studyUid: own, seriesUid: hidden.seriesUid })).toBe(NOT_PERMITTED);
        expect(await failure(narrow, { studyUid: own, sopUid: hidden.sopUid })).toBe(NOT_PERMITTED);
        expect(await failure(narrow, hidden)).toBe(NOT_PERMITTED);
        expect(await failure(narrow, { studyUid: never })).toBe(NOT_PERMITTED);
        expect(
          await world.sql`select 1 from studies where study_uid = ${never} or study_uid = ${own}`,
        ).toEqual([]);
      });
    });

    describe('storing never widens access', () => {
      it('a study scope admits that study only', async () => {
        const studyUid = freshUid();
        const narrow = await world.machine(storing({ kind: 'study', study_uid: studyUid }));
        expect(await failure(narrow, { studyUid })).toBeUndefined();
        expect(await failure(narrow, {})).toBe(NOT_PERMITTED);
      });

      it('a patient scope admits that patient of that issuer only', async () => {
        const narrow = await world.machine(storing({ kind: 'patient', issuer: 'CARD', patient_id: 'MRN-7' }));
        expect(await failure(narrow, { patientId: 'MRN-7', issuer: 'CARD' })).toBeUndefined();
        expect(await failure(narrow, { patientId: 'MRN-7' })).toBe(NOT_PERMITTED);
        expect(await failure(narrow, { patientId: 'mrn-7', issuer: 'CARD' })).toBe(NOT_PERMITTED);
        const studyUid = freshUid();
        expect(await failure(anyone, { studyUid, patientId: 'MRN-8', issuer: 'CARD' })).toBeUndefined();
        expect(await failure(narrow, { studyUid, patientId: 'MRN-7', issuer: 'CARD' })).toBe(NOT_PERMITTED);
      });

      it('the first instance fixes the institution; the machine account’s wins over the header', async () => {
        const north = await world.machine(storing({ kind: 'institution', institution: 'North' }), {
          institution: 'North',
        });
        const [studyUid, foreign] = [freshUid(), freshUid()];
        expect(await failure(north, { studyUid, institution: 'South' })).toBeUndefined();
        expect(await studyRow(studyUid)).toMatchObject({ institution: 'North' });
        expect(await failure(anyone, { studyUid, institution: 'South' })).toBeUndefined();
        expect(await studyRow(studyUid)).toMatchObject({ institution: 'North' });
        expect(await failure(anyone, { studyUid: foreign, institution: 'South' })).toBeUndefined();
        expect(await failure(north, { studyUid: foreign })).toBe(NOT_PERMITTED);
      });

      it('without an assigned institution the header’s must be in scope', async () => {
        const south = await world.machine(storing({ kind: 'institution', institution: 'South' }));
        const studyUid = freshUid();
        expect(await failure(south, { studyUid, institution: 'North' })).toBe(NOT_PERMITTED);
        expect(await failure(south, { studyUid })).toBe(NOT_PERMITTED);
        expect(await failure(south, { studyUid, institution: 'South' })).toBeUndefined();
        expect(await failure(south, { studyUid })).toBeUndefined();
        expect(await failure(south, { studyUid, institution: 'North' })).toBe(NOT_PERMITTED);
      });

      it('own-uploads admits new studies and those the account created, and shows them to it alone', async () => {
        const uploads = { rights: ['studies:store', 'studies:read'], scope: { kind: 'own-uploads' } };
        const [one, two] = [await world.machine([uploads]), await world.machine([uploads])];
        const studyUid = freshUid();
        expect(await failure(one, { studyUid })).toBeUndefined();
        expect(await failure(one, { studyUid })).toBeUndefined();
        expect(await studyRow(studyUid)).toMatchObject({ creator: one.id });
        expect(await failure(two, { studyUid })).toBe(NOT_PERMITTED);
        await world.get(one, `/studies/${studyUid}/series`).expect(200);
        expect((await world.get(two, '/studies').expect(200)).body).toEqual([]);
      });

      it('a modality scope admits only series of that modality into studies of only that modality', async () => {
        const scope = { kind: 'modality', modality: 'MR' };
        const scanner = await world.machine(storing(scope));
        const [studyUid, mixed] = [freshUid(), freshUid()];
        expect(await failure(scanner, { studyUid, modality: 'MR' })).toBeUndefined();
        expect(await failure(scanner, { studyUid, modality: 'SR' })).toBeUndefined();
        expect(await failure(scanner, { studyUid, modality: 'CT' })).toBe(NOT_PERMITTED);
        expect(await failure(anyone, { studyUid: mixed, modality: 'CT' })).toBeUndefined();
        expect(await failure(scanner, { studyUid: mixed, modality: 'MR' })).toBe(NOT_PERMITTED);
      });
    });
  });
}
