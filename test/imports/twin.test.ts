import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { encodeList, FORMS, CIRCULATING, patientFile } from '../../infra/demo/patients.file.ts';
import { COLUMNS, patientRows } from '../../infra/demo/patients.list.ts';
import { testHapi, type TestHapi } from '../support/hapi.ts';
import { longForm, sample } from '../support/long.form.ts';
import { startWorld, type World } from '../support/world.ts';
import { Clerk, countedRows } from './import.world.ts';

let hapi: TestHapi;
let world: World;
beforeAll(async () => {
  hapi = await testHapi();
  world = await startWorld({ FHIR_BASE_URL: hapi.url });
}, 200_000);
afterAll(() => world?.stop());

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
  const faults: string[] = [];
  // Some patients, and every resource of another kind.
  for (const resource of [...sample(found.slice(0, 50), 8), ...found.slice(50)]) {
    const kind = String(resource['resourceType']);
    const { issue } = Validated.parse(
      await hapi.json(`/${kind}/$validate`, { method: 'POST', body: resource }),
    );
    const errors = issue.filter(({ severity }) => severity === 'error' || severity === 'fatal');
    faults.push(...errors.map(({ diagnostics }) => `${kind}: ${diagnostics}`));
  }
  return faults;
}

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
    await hapi.json(`/Patient/${String(patient?.['id'])}`, { method: 'PUT', body: { ...patient, address } });

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
      Array.from({ length: longForm(8, 4) }, () => clerk.upload(patientFile(), { force: 'true' })),
    );
    const reports = await Promise.all(answers.map((answer) => clerk.ended(fileId(answer.body))));
    expect(reports.map(countedRows)).toEqual(answers.map(() => 50));
    expect(reports.reduce((sum, { created }) => sum + created, 0)).toBe(50);
    expect(await held(clerk)).toEqual({ patients: 50, conditions: 11, observations: 4 });
  }, 120_000);
});
