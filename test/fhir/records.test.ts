import { randomBytes } from 'node:crypto';
import type { Bundle, Patient } from '@medplum/fhirtypes';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FhirConflict, FhirRefused } from '../../src/fhir/fhir.errors.js';
import { FhirRecords } from '../../src/fhir/fhir.records.js';
import { FhirServer } from '../../src/fhir/fhir.server.js';
import { identifierQuery } from '../../src/mapping/transaction.bundle.js';
import { NeighbourAway } from '../../src/problems/errors.js';
import { startFaultyProxy, testHapi, type FaultyProxy, type TestHapi } from '../support/hapi.ts';

let hapi: TestHapi;
const opened: FaultyProxy[] = [];
beforeAll(async () => {
  hapi = await testHapi();
}, 200_000);
afterEach(async () => {
  for (const way of opened.splice(0)) await way.close();
});

const system = () => `urn:test:${randomBytes(6).toString('hex')}`;
const recordsAt = (url: string) =>
  new FhirRecords(new FhirServer({ FHIR_BASE_URL: url, FHIR_TOKEN: undefined }));
const patient = (of: string, value: string): Patient => ({
  resourceType: 'Patient',
  identifier: [{ system: of, value }],
});
const bundleOf = (of: string, values: readonly string[]): Bundle => ({
  resourceType: 'Bundle',
  type: 'transaction',
  entry: values.map((value) => ({
    fullUrl: `urn:uuid:${crypto.randomUUID()}`,
    resource: patient(of, value),
    request: {
      method: 'POST',
      url: 'Patient',
      ifNoneExist: identifierQuery(of, value),
    },
  })),
});
const faulty = async (fate: Parameters<typeof startFaultyProxy>[1]) => {
  const way = await startFaultyProxy(hapi.url, fate);
  opened.push(way);
  return way;
};

describe('the way to HAPI', () => {
  it('writes a transaction, tells each entry, finds them by identifiers, and the same again writes nothing', async () => {
    const records = recordsAt(hapi.url);
    const of = system();
    const values = Array.from({ length: 120 }, (_, at) => `a,b|$${at}`);
    const first = await records.transaction(bundleOf(of, values));
    expect(first.map(({ status, kind, version }) => ({ status, kind, version }))).toEqual(
      values.map(() => ({ status: 201, kind: 'Patient', version: '1' })),
    );
    const second = await records.transaction(bundleOf(of, values));
    expect(second.map(({ status }) => status)).toEqual(values.map(() => 200));
    expect(second.map(({ id }) => id)).toEqual(first.map(({ id }) => id));
    const found = await records.withIdentifiers(
      'Patient',
      values.map((value) => ({ system: of, value })),
    );
    expect(found.map(({ id }) => id).sort()).toEqual(first.map(({ id }) => id).sort());
  });

  it('refuses with codes and without a word of the patient', async () => {
    const of = system();
    const wrong = bundleOf(of, ['Secret^Name']);
    wrong.entry?.push({ resource: patient(of, 'x'), request: { method: 'PUT', url: 'Patient/123' } });
    const refused = await recordsAt(hapi.url)
      .transaction(wrong)
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(FhirRefused);
    expect(String(refused)).not.toContain('Secret');
    expect(await hapi.count(`Patient?identifier=${of}|`)).toBe(0);
  });

  it('sees a stale version as a conflict', async () => {
    const records = recordsAt(hapi.url);
    const of = system();
    const [made] = await records.transaction(bundleOf(of, ['1']));
    const change = (gender: Patient['gender']): Bundle => ({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        {
          fullUrl: `urn:uuid:${crypto.randomUUID()}`,
          resource: { ...patient(of, '1'), id: made?.id ?? '', ...(gender && { gender }) },
          request: { method: 'PUT', url: `Patient/${made?.id}`, ifMatch: 'W/"1"' },
        },
      ],
    });
    expect((await records.transaction(change('male')))[0]).toMatchObject({ status: 200, version: '2' });
    await expect(records.transaction(change('female'))).rejects.toBeInstanceOf(FhirConflict);
    const id = `Patient/${made?.id}`;
    const read = await records.readAll([id, `${id}/_history/1`, `${id}/_history/9`, 'Patient/there-is-none']);
    expect([...read.keys()]).toEqual([id, `${id}/_history/1`]);
    expect(read.get(id)).toHaveProperty('gender', 'male');
    expect(read.get(`${id}/_history/1`)).not.toHaveProperty('gender');
  });

  it('reads fifty resources a request, and leaves out those that were deleted', async () => {
    const of = system();
    const values = Array.from({ length: 120 }, (_, at) => String(at));
    const made = await recordsAt(hapi.url).transaction(bundleOf(of, values));
    const references = made.map(({ id }) => `Patient/${id}`);
    await hapi.json(`/${references[0]}`, { method: 'DELETE' });
    const way = await faulty((_method, _path, count) => (count === 1 ? 'busy' : 'pass'));
    const read = await recordsAt(way.url).readAll([...references, ...references]);
    expect([...read.keys()]).toEqual(references.slice(1));
    expect(way.seen).toHaveLength(4);
  });

  it('asks again when a search is answered 503 or cut, and does not send a transaction twice behind the back', async () => {
    const of = system();
    await recordsAt(hapi.url).transaction(bundleOf(of, ['1']));
    const way = await faulty((_method, _path, count) =>
      count === 1 ? 'busy' : count === 2 ? 'lost' : 'pass',
    );
    const found = await recordsAt(way.url).withIdentifiers('Patient', [{ system: of, value: '1' }]);
    expect(found).toHaveLength(1);
    expect(way.seen).toHaveLength(3);
    const losing = await faulty(() => 'lost');
    await expect(recordsAt(losing.url).transaction(bundleOf(of, ['2']))).rejects.toBeInstanceOf(
      NeighbourAway,
    );
    expect(losing.seen).toHaveLength(1);
    expect(await hapi.count(`Patient?identifier=${of}|2`)).toBe(1);
  });

  it('fails at once while the server is away, and tries again after a pause', async () => {
    let away = true;
    const way = await faulty(() => (away ? 'reset' : 'pass'));
    const records = recordsAt(way.url);
    const of = system();
    for (let at = 0; at < 8; at += 1)
      await expect(records.transaction(bundleOf(of, ['1']))).rejects.toBeInstanceOf(NeighbourAway);
    expect(way.seen.length).toBeLessThan(8);
    away = false;
    await expect
      .poll(() => records.transaction(bundleOf(of, ['1'])).catch(() => []), { timeout: 10_000 })
      .toHaveLength(1);
  });

  it('does not follow a link to another origin', () => {
    const server = new FhirServer({ FHIR_BASE_URL: hapi.url, FHIR_TOKEN: 'secret' });
    expect(() => server.ownLink('http://elsewhere.test/fhir?_getpages=1')).toThrow(FhirRefused);
    expect(server.ownLink(`${hapi.url}?_getpages=1`)).toBe(`${hapi.url}?_getpages=1`);
  });
});
