import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { encodeList, FORMS, CIRCULATING, patientFile } from '../../infra/demo/patients.file.ts';
import { COLUMNS, patientRows } from '../../infra/demo/patients.list.ts';
import type { TestHapi } from '../support/hapi.ts';
import { longForm, sample } from '../support/long.form.ts';
import type { World } from '../support/world.ts';
import { GASTRITIS, SNOMED, termOf } from '../terms/inbox.world.ts';
import { EVERY_KIND, everyKindList, PROFILE } from './every.kind.ts';
import { Clerk, countedRows } from './import.world.ts';
import type { Place } from './place.ts';

let hapi: TestHapi;
let world: World;

const fileId = (body: unknown) => z.object({ file_id: z.string() }).parse(body).file_id;

const held = async ({ system }: Clerk) => ({
  patients: await hapi.count(`Patient?identifier=${system}|`),
  conditions: await hapi.count(`Condition?subject:Patient.identifier=${system}|`),
  observations: await hapi.count(`Observation?subject:Patient.identifier=${system}|`),
});

const Validated = z.object({
  issue: z.array(z.object({ severity: z.string(), diagnostics: z.string().optional() })),
});

/**
 * The faults that HAPI's validator finds in the resources of a clerk's patients, in their Provenance and in the newest DocumentReference.
 */
async function faultsOf({ system }: Clerk): Promise<string[]> {
  const of = `:Patient.identifier=${system}|`;
  const found = [
    ...(await hapi.search(`Patient?identifier=${system}|`)),
    ...(await hapi.search(`Condition?subject${of}`)),
    ...(await hapi.search(`Observation?subject${of}`)),
    ...(await hapi.search(`Provenance?target${of}`)),
    ...(await hapi.search('DocumentReference?_sort=-_lastUpdated')).slice(0, 1),
  ];
  expect(found).toHaveLength(50 + 11 + 4 + 1 + 1);
  // Some patients, and every resource of another kind.
  return faultsIn([...sample(found.slice(0, 50), 3), ...found.slice(50)]);
}

/** The errors that HAPI's validator finds. */
async function faultsIn(resources: readonly Record<string, unknown>[]): Promise<string[]> {
  const faults: string[] = [];
  for (const resource of resources) {
    const kind = String(resource['resourceType']);
    const { issue } = Validated.parse(
      await hapi.json(`/${kind}/$validate`, { method: 'POST', body: resource }),
    );
    const errors = issue.filter(({ severity }) => severity === 'error' || severity === 'fatal');
    faults.push(...errors.map(({ diagnostics }) => `${kind}: ${diagnostics}`));
  }
  return faults;
}

const countsOf = (records: readonly Record<string, unknown>[]) =>
  Object.fromEntries(
    [...Map.groupBy(records, (one) => String(one['resourceType']))].map(([kind, of]) => [kind, of.length]),
  );
const undo = async (clerk: Clerk, id: string) => {
  await clerk.post(`/api/imports/${id}/undo`).expect(202);
  await expect.poll(async () => (await clerk.report(id)).status, { timeout: 30_000 }).toBe('undone');
};

/** Defines the tests of the Brazilian list and of a list with every kind of record. */
export function twinScenarios(place: () => Place): void {
  beforeAll(() => {
    ({ hapi, world } = place());
  });

  describe('the Brazilian list', () => {
    it('becomes 50 Patients, 11 Conditions and 4 Observations; sent again, nothing is written', async () => {
      const clerk = await Clerk.start(world);
      const first = await clerk.import(patientFile());
      expect(first).toMatchObject({
        status: 'completed',
        rows_total: 50,
        rows_done: 50,
        percent: 100,
        created: 50,
      });
      expect(first.reasons).toMatchObject({ 'cpf-check-digits': 50, 'phone-area-code': 5 });
      expect(countedRows(first)).toBe(50);
      expect(await held(clerk)).toEqual({ patients: 50, conditions: 11, observations: 4 });

      expect(await faultsOf(clerk)).toEqual([]);

      const again = await clerk.upload(patientFile());
      expect(again.status).toBe(200);
      expect(again.body).toMatchObject({ file_id: first.file_id });
      const forced = await clerk.import(patientFile(), { force: 'true' });
      expect(forced).toMatchObject({ status: 'completed', created: 0, updated: 0, unchanged: 50 });
      const patients = await hapi.search(`Patient?identifier=${clerk.system}|`);
      expect(patients.map((patient) => patient['meta'])).toEqual(
        patients.map(() => expect.objectContaining({ versionId: '1' })),
      );
    }, 120_000);

    it('one phone changed is one update, and an address that somebody else wrote survives', async () => {
      const clerk = await Clerk.start(world);
      await clerk.import(patientFile());
      const [row] = patientRows();
      const digits = row?.cpf.replace(/\D/g, '') ?? '';
      const [patient] = await hapi.search(`Patient?identifier=${clerk.system}|${digits}`);
      const address = [{ city: 'Ouro Preto' }];
      await hapi.json(`/Patient/${String(patient?.['id'])}`, {
        method: 'PUT',
        body: { ...patient, address },
      });

      const rows = patientRows();
      if (rows[0] !== undefined) rows[0].phone = '(11) 98888-7777';
      const cells = rows.map(({ name, cpf, gender, birthDate, phone, country, note }) => [
        name,
        cpf,
        gender,
        birthDate,
        phone,
        country,
        note,
      ]);
      const changed = await clerk.import(encodeList([[...COLUMNS], ...cells], CIRCULATING));
      expect(changed).toMatchObject({ created: 0, updated: 1, unchanged: 49 });
      const [now] = await hapi.search(`Patient?identifier=${clerk.system}|${digits}`);
      expect(now).toMatchObject({ address, telecom: [{ system: 'phone', value: '+5511988887777' }] });
    }, 120_000);

    it('is the same in all eight file forms', async () => {
      const clerk = await Clerk.start(world);
      await clerk.import(patientFile());
      for (const form of sample(Object.values(FORMS).slice(1), 2)) {
        const report = await clerk.import(patientFile(form));
        expect(report).toMatchObject({ status: 'completed', unchanged: 50 });
      }
    }, 120_000);

    it('uploads at once give 50 Patients', async () => {
      const clerk = await Clerk.start(world);
      const answers = await Promise.all(
        Array.from({ length: longForm(8, 3) }, () => clerk.upload(patientFile(), { force: 'true' })),
      );
      const reports = await Promise.all(answers.map((answer) => clerk.ended(fileId(answer.body))));
      expect(reports.map(countedRows)).toEqual(answers.map(() => 50));
      expect(reports.reduce((sum, { created }) => sum + created, 0)).toBe(50);
      expect(await held(clerk)).toEqual({ patients: 50, conditions: 11, observations: 4 });
    }, 120_000);
  });

  describe('a list with every kind of record', () => {
    const kinds = [
      'Patient',
      'Condition',
      'Observation',
      'Encounter',
      'AllergyIntolerance',
      'MedicationStatement',
      'Procedure',
    ];
    const recordsOf = async ({ system }: Clerk) => {
      const of = (kind: string) => {
        if (kind === 'Patient') return `Patient?identifier=${system}|`;
        const reference = kind === 'AllergyIntolerance' ? 'patient' : 'subject:Patient';
        return `${kind}?${reference}.identifier=${system}|`;
      };
      return (await Promise.all(kinds.map((kind) => hapi.search(of(kind))))).flat();
    };

    it('is written as rehearsed, sent again quietly, corrected, valid for FHIR R4, and undone', async () => {
      await hapi.json('/StructureDefinition/radgate-visit', { method: 'PUT', body: PROFILE });
      const clerk = await Clerk.start(world, EVERY_KIND);
      const refused = await clerk.import(everyKindList({ birth: '31/02/1990' }));
      expect(refused).toMatchObject({ created: 0, rejected: 2 });
      const errors = await clerk.get(`/api/imports/${refused.file_id}/errors.csv`).expect(200);
      const rehearsed = await clerk.import(everyKindList(), { mode: 'rehearse' });
      expect(rehearsed).toMatchObject({ status: 'rehearsed', created: 1, waiting: 1, rejected: 0 });
      await clerk.post(`/api/imports/${rehearsed.file_id}/commit`).expect(202);
      const first = await clerk.ended(rehearsed.file_id);
      expect(first).toMatchObject({ created: 1, waiting: 1, rejected: 0 });
      expect(first.reasons).toMatchObject({ 'text-none': 1, 'text-negated': 1 });
      const word = await termOf(clerk, 'Zetabite');
      await clerk.post(`/api/terms/${word}/decide`, GASTRITIS).expect(200);
      await expect.poll(async () => (await clerk.report(first.file_id)).waiting).toBe(0);
      await clerk.ended(first.file_id);
      const written = await recordsOf(clerk);
      expect(countsOf(written)).toEqual({
        Patient: 2,
        Condition: 3,
        Observation: 5,
        Encounter: 2,
        AllergyIntolerance: 1,
        MedicationStatement: 2,
        Procedure: 2,
      });
      const again = await clerk.import(everyKindList(), { force: 'true' });
      expect(again).toMatchObject({ created: 0, updated: 0, unchanged: 2 });
      // The rows of errors.csv give the same records of every kind once they are mended.
      const mended = await clerk.import(Buffer.from(errors.text.replaceAll('31/02/1990', '05/06/1990')));
      expect(mended).toMatchObject({ created: 0, updated: 0, unchanged: 2, rejected: 0 });
      expect(await recordsOf(clerk)).toEqual(written);

      const amended = await clerk.import(everyKindList({ glucose: '<5.0', discharged: '06/01/2026' }), {
        corrections: 'amend',
      });
      expect(amended).toMatchObject({ created: 0, updated: 1, unchanged: 1 });
      const coding = { system: SNOMED, code: '34000006' };
      await clerk.post(`/api/terms/${word}/decide`, { kind: 'condition', coding, confirm: true }).expect(200);
      const stale = async () =>
        z
          .looseObject({ items: z.array(z.looseObject({ records_to_correct: z.number() })) })
          .parse((await clerk.get('/api/terms?q=Zetabite').expect(200)).body).items[0]?.records_to_correct;
      await expect.poll(stale, { timeout: 30_000 }).toBe(0);

      const records = await recordsOf(clerk);
      expect(countsOf(records)).toMatchObject({ Condition: 4, Observation: 5, Encounter: 2 });
      const text = JSON.stringify(records);
      for (const part of [
        '"contact"',
        '"corrected"',
        '"entered-in-error"',
        '"referenceRange"',
        '"code":"I10"',
        '"component"',
        '"valueString"',
        '"comparator"',
        '"contained"',
        '"finished"',
        '&lt;rash&gt;',
        '2026-01-06',
        'urn:test:his',
      ])
        expect(text).toContain(part);
      const others = [
        ...(await hapi.search(`Provenance?target:Patient.identifier=${clerk.system}|`)),
        ...(await hapi.search('Provenance?_sort=-_lastUpdated')).slice(0, 1),
        ...(await hapi.search('DocumentReference?_sort=-_lastUpdated')).slice(0, 1),
      ];
      expect(await faultsIn([...records, ...others])).toEqual([]);
      // The server knows the profile: a visit without an identifier does not fit it.
      const visit = records.find(({ resourceType }) => resourceType === 'Encounter');
      expect(await faultsIn([{ ...visit, identifier: undefined }])).not.toEqual([]);

      for (const { file_id } of [amended, mended, again, first]) await undo(clerk, file_id);
      expect(await recordsOf(clerk)).toEqual([]);
    }, 180_000);
  });
}
