import { assert, property, string } from 'fast-check';
import { SaxesParser } from 'saxes';
import { describe, expect, it } from 'vitest';
import type { Encounter, Patient } from '@medplum/fhirtypes';
import { decide } from '../../src/imports/writing/row.decision.js';
import { mergePlans } from '../../src/mapping/duplicates.js';
import { MappingDocument } from '../../src/mapping/mapping.document.js';
import { recordKey, recordsOf } from '../../src/mapping/records/record.kinds.js';
import { narrativeText } from '../../src/mapping/records/narrative.js';
import { withNarrative } from '../../src/mapping/records/resource.metadata.js';
import { mapRow } from '../../src/mapping/row.mapping.js';
import { shipped } from '../csv/csv.reading.ts';
import { context } from './mapping.world.ts';

const english = shipped('english-plain');
const PROFILE = 'http://example.org/fhir/StructureDefinition/listed';
const document = MappingDocument.parse({
  ...english,
  meta: { profiles: { Patient: [PROFILE], Condition: [PROFILE] }, source: 'urn:test:his', narrative: true },
});

function planOf(cells: Record<string, string>, using = document) {
  const row = new Map(Object.entries({ mrn: 'A-1', family_name: 'Example', conditions: 'Asthma', ...cells }));
  const outcome = mapRow(using, row, context);
  if (outcome.outcome === 'rejected') throw new Error('rejected');
  return outcome.plan;
}
const options = { policy: 'upsert', corrections: 'reject' } as const;
const server = { id: 'x1', meta: { versionId: '1' } };

describe('the metadata of resources', () => {
  it('are as the mapping demands, for each kind', () => {
    const { patient, conditions } = planOf({});
    for (const one of [patient, ...conditions]) {
      expect(one.meta).toEqual({ profile: [PROFILE], source: 'urn:test:his' });
      expect(one.text?.div).toMatch(
        /^<div xmlns="http:\/\/www\.w3\.org\/1999\/xhtml"><p>(?:Patient; Example|Condition; Asthma; unconfirmed)/,
      );
    }
    expect(planOf({}, english).patient).not.toHaveProperty('text');
  });

  it('are added to resources that an earlier mapping has written, and are then unchanged', () => {
    const before = planOf({}, english);
    const plan = planOf({});
    const known = (of: typeof plan) => ({
      patients: [{ ...of.patient, ...server, meta: { ...of.patient.meta, ...server.meta } }],
      records: new Map(
        recordsOf(of).map((one) => [
          recordKey(one),
          { ...one, ...server, meta: { ...one.meta, ...server.meta } },
        ]),
      ),
    });
    const decision = decide({ row: 2, plan, issues: [] }, known(before), options);
    expect(decision.state).toBe('updated');
    expect(decision.changes.map(({ element }) => element)).toEqual(['meta.profile', 'meta.profile']);
    expect(decide({ row: 2, plan, issues: [] }, known(plan), options).state).toBe('unchanged');
  });
});

const visit = (status: Encounter['status']): Encounter => ({
  resourceType: 'Encounter',
  status,
  class: { code: 'IMP' },
});

describe('a narrative', () => {
  it('is XHTML without elements of a cell, whatever the cell contains', () => {
    assert(
      property(string({ unit: 'binary' }), (text) => {
        const div = narrativeText({ resourceType: 'Condition', subject: {}, code: { text } });
        const names: string[] = [];
        let content = '';
        const parser = new SaxesParser({ fragment: true });
        parser.on('opentag', ({ name }) => names.push(name));
        parser.on('text', (part) => (content += part));
        parser.write(div).close();
        expect(names).toEqual(['div', 'p']);
        expect(content.startsWith('Condition')).toBe(true);
      }),
    );
    expect(
      narrativeText({ resourceType: 'Condition', subject: {}, code: { text: '<script>a & b' } }),
    ).toContain('&lt;script&gt;a &amp; b');
  });

  it('follows the changes of its resource, and that of another system is kept', () => {
    const open = {
      ...visit('unknown'),
      text: { status: 'generated' as const, div: narrativeText(visit('unknown')) },
    };
    expect(withNarrative(open, { ...open, status: 'finished' }).text?.div).toContain('finished');
    const theirs = { ...open, text: { status: 'generated' as const, div: '<div>theirs</div>' } };
    expect(withNarrative(theirs, { ...theirs, status: 'finished' }).text).toBe(theirs.text);
    expect(withNarrative<Encounter>(visit('unknown'), visit('finished'))).not.toHaveProperty('text');
  });

  it('of a patient of two rows has the facts of both', () => {
    const merged: Patient = mergePlans(planOf({}), planOf({ gender: 'female' })).patient;
    expect(merged.text?.div).toBe(narrativeText(merged));
  });
});
