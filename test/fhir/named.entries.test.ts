import type { BundleEntry } from '@medplum/fhirtypes';
import { expect, it } from 'vitest';
import { namedEntries } from '../../src/fhir/named.entries.js';

const condition = 'identifier=urn%3Atest%3Amrn%7C12';
const entries: BundleEntry[] = [
  {
    fullUrl: 'urn:uuid:00000000-0000-4000-8000-000000000001',
    resource: { resourceType: 'Patient' },
    request: { method: 'POST', url: 'Patient', ifNoneExist: 'identifier=urn%3Atest%3Amrn%7C1' },
  },
  {
    fullUrl: 'urn:uuid:00000000-0000-4000-8000-000000000002',
    resource: { resourceType: 'Patient' },
    request: { method: 'POST', url: 'Patient', ifNoneExist: condition },
  },
  {
    fullUrl: 'urn:uuid:00000000-0000-4000-8000-000000000003',
    resource: { resourceType: 'Patient' },
    request: { method: 'PUT', url: 'Patient/7', ifMatch: 'W/"1"' },
  },
  {
    fullUrl: 'urn:uuid:00000000-0000-4000-8000-000000000004',
    resource: { resourceType: 'Condition', subject: { reference: 'Patient/77' } },
    request: { method: 'POST', url: 'Condition', ifNoneExist: 'identifier=urn%3Atest%3Akey%7Ca%5C%2Cb' },
  },
  {
    resource: { resourceType: 'AllergyIntolerance', patient: { reference: 'Patient/78' } },
    request: { method: 'POST', url: 'AllergyIntolerance' },
  },
];

it.each([
  ['Bundle.entry[1].resource.ofType(Patient).birthDate', [1, 'Patient.birthDate']],
  ['Bundle.entry[1].resource/*Patient/null*/.name[0].given[1]', [1, 'Patient.name[0].given[1]']],
  ['Bundle.entry[3].resource/*Condition/null*/.code.coding[0]', [3, 'Condition.code.coding[0]']],
  ['Bundle.entry[3].resource', [3, 'Condition']],
  ['Bundle.entry[0].fullUrl', [0, 'Patient.fullUrl']],
  ['/f:Bundle/f:entry[2]/f:resource/f:Patient/f:birthDate', [1, 'Patient']],
  [
    "Bundle.entry[1].resource.ofType(Patient).identifier.where(value='Secret').system",
    [1, 'Patient.identifier'],
  ],
  ['Bundle.entry[1].resource.extension("Secret")', [1, 'Patient']],
  ['Bundle.entry[3].resource.ofType(Patient).birthDate', undefined],
  ['Bundle.entry[5].resource', undefined],
  ['Patient.birthDate', undefined],
  ['Line[1] Col[456]', undefined],
])('reads the place %s', (place, named) => {
  const expected = named === undefined ? [] : [{ entry: named[0], element: named[1] }];
  for (const places of [{ expression: [place] }, { location: ['Line[1] Col[2]', place] }])
    expect(namedEntries([{ severity: 'error', code: 'processing', ...places }], entries)).toEqual(expected);
});

it.each([
  ['Trying to update Patient/7/_history/1 but this is not the current version', [2]],
  ['Resource Patient/77 not found, specified in path: Condition.subject', [3]],
  ['Resource Patient/78 not found, specified in path: AllergyIntolerance.patient', [4]],
  [
    `Failed to CREATE Patient with match URL "Patient?${condition}" because this search matched 2 resources`,
    [1],
  ],
  ['Invalid match URL "identifier=urn:test:mrn|12" - Multiple resources match this search', [1]],
  ['Invalid match URL "identifier=urn:test:key|a\\,b"', [3]],
  ['urn:uuid:00000000-0000-4000-8000-000000000001 is invalid', [0]],
  ['Missing required resource in Bundle.entry[2].resource for operation PUT', [2]],
  ['Found value in Bundle.entry(0).request.method', [0]],
  ['identifier=urn:test:mrn|123 matches', []],
  ['The operation has failed with a version constraint failure', []],
  ['', []],
])('finds the entry in the text "%s"', (text, expected) => {
  for (const texts of [{ diagnostics: text }, { details: { text } }])
    expect(namedEntries([{ code: 'processing', ...texts }], entries).map(({ entry }) => entry)).toEqual(
      expected,
    );
});

const issueAt = (entry: number, element: string, severity: string) => ({
  severity,
  code: 'processing',
  expression: [`Bundle.entry[${entry}].resource.ofType(Patient).${element}`],
});

it('names each entry with an error once, and no entry that has only warnings', () => {
  const issues = [
    issueAt(0, 'text', 'warning'),
    issueAt(1, 'birthDate', 'error'),
    issueAt(1, 'name', 'error'),
    issueAt(2, 'id', 'fatal'),
  ];
  expect(namedEntries(issues, entries).toSorted((one, other) => one.entry - other.entry)).toEqual([
    { entry: 1, element: 'Patient.birthDate' },
    { entry: 2, element: 'Patient.id' },
  ]);
});
