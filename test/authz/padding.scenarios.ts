import * as fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { trimPadding, trimValues } from '../../src/dicom/padding.js';
import { rebuilt } from '../catalog/rebuilt.ts';
import { valuesOf } from '../dicomweb/qido.world.ts';
import { longForm, sample } from '../support/long.form.ts';
import type { Caller, World } from '../support/world.ts';

/**
 * White space and invisible characters, without the space. A PatientID that begins or ends with one of these characters is a different
 * PatientID.
 */
const ALL_BLANKS = [
  '\t',
  '\n',
  '\v',
  '\f',
  '\r',
  '\u0085',
  '\u00a0',
  '\u2003',
  '\u200b',
  '\u2028',
  '\u3000',
  '\ufeff',
];
const BLANKS = longForm(
  ALL_BLANKS,
  ALL_BLANKS.filter((blank) => '\t\u00a0\u3000\ufeff'.includes(blank)),
);
const around = fc.array(fc.constantFrom(' ', ...BLANKS), { maxLength: 2 }).map((some) => some.join(''));
/** The PatientIDs that are written into files. The seed is fixed, so every run has the same PatientIDs. */
const written = [
  'P1',
  ' P1 ',
  ...BLANKS.flatMap((blank) => [`${blank}P1`, `P1${blank}`]),
  ...fc.sample(
    fc.tuple(around, around).map(([left, right]) => `${left}P1${right}`),
    { numRuns: longForm(12, 4), seed: 11 },
  ),
];
/** The studies of each patient. */
const ofPatient = Map.groupBy(
  written.map((id) => ({ id, study: freshUid() })),
  ({ id }) => id.replace(/^ +| +$/g, ''),
);
const studiesOf = (patient: string) => (ofPatient.get(patient) ?? []).map(({ study }) => study).sort();
const patients = [...ofPatient.keys()];

let world: World;
let all: Caller;

async function found(caller: Caller, query: string): Promise<string[]> {
  const { text } = await world.get(caller, `/studies?${query}`).expect(200);
  return valuesOf(text, '0020000D').map(String).sort();
}

async function eachIsFoundAlone(): Promise<void> {
  for (const patient of patients) {
    const query = `PatientID=${encodeURIComponent(`  ${patient} `)}`;
    expect([patient, await found(all, query)]).toEqual([patient, studiesOf(patient)]);
  }
}

/** Registers the tests of this file with the given gateway. */
export function registerPadding(given: () => World): void {
  describe('padding', () => {
    beforeAll(async () => {
      world = given();
      all = await world.machine([{ rights: ['studies:read'], scope: { kind: 'all' } }]);
      const files = [...ofPatient.values()]
        .flat()
        .map(({ id, study }) => makeInstance({ patientId: id, studyUid: study }));
      // Half of the files are stored by STOW. The others are stored directly in the archive. The gateway must read the same PatientID in both
      // cases.
      await world
        .store(
          await world.machine(),
          files.filter((_, at) => at % 2 === 0),
        )
        .expect(200);
      for (const file of files.filter((_, at) => at % 2 === 1))
        await world.archive('/instances', { method: 'POST', body: new Uint8Array(file) });
      await vi.waitFor(
        async () => {
          const { headers } = await world.get(all, '/studies?limit=1').expect(200);
          if (headers['x-total-count'] !== String(written.length)) throw new Error('not all are there');
        },
        { timeout: 20_000, interval: 200 },
      );
    }, 90_000);

    describe('a PatientID is trimmed of padding alone', () => {
      it('by one function, for any surrounding characters', () => {
        const text = fc.string({ unit: 'grapheme', maxLength: 12 });
        fc.assert(
          fc.property(text, fc.nat(4), fc.nat(4), (id, left, right) => {
            const padded = `${' '.repeat(left)}${id}${' '.repeat(right)}`;
            const bare = trimPadding(padded);
            expect(bare).toBe(trimPadding(id));
            expect(padded.slice(0, padded.indexOf(bare)).trim()).toBe('');
            expect(bare.startsWith(' ') || bare.endsWith(' ')).toBe(false);
            expect(trimValues(`${padded}\\${padded}`)).toBe(
              trimValues(id).includes('\\') ? trimValues(`${id}\\${id}`) : `${bare}\\${bare}`,
            );
          }),
        );
      });

      it('by a search', eachIsFoundAlone);

      it('by what is retrieved', async () => {
        for (const { study } of sample([...ofPatient.values()].flat(), 6))
          await world.get(all, `/studies/${study}/metadata`).expect(200);
      });

      it('by the scope of a grant, whatever spaces stand around that', async () => {
        for (const patient of patients.slice(0, longForm(12, 4))) {
          const scope = { kind: 'patient', issuer: ' TEST ', patient_id: ` ${patient}  ` };
          const reader = await world.machine([{ rights: ['studies:read'], scope }]);
          expect([patient, await found(reader, '')]).toEqual([patient, studiesOf(patient)]);
        }
      });

      it('by the link of a person to a patient', async () => {
        const { authorization } = await world.admin();
        const own = { rights: ['studies:read'], scope: { kind: 'own-patient' } };
        const person = await world.person(own);
        for (const patient of ['P1', '\u00a0P1', 'P1\u3000', '\ufeffP1']) {
          await world.http
            .put(`/api/users/${person.id}/patient`)
            .set('authorization', authorization)
            .send({ issuer: 'TEST ', patient_id: ` ${patient} ` })
            .expect(200);
          expect([patient, await found(person, '')]).toEqual([patient, studiesOf(patient)]);
        }
      });

      it('a scope of spaces alone is refused', async () => {
        const scope = { kind: 'patient', issuer: 'TEST', patient_id: '  ' };
        await expect(world.machine([{ rights: ['studies:read'], scope }])).rejects.toThrow('422');
      });
    });

    it('studies that an earlier version stored under the trimmed id move to their patient in a rebuild, after which a search finds each patient', async () => {
      const patient = '\u00a0P1';
      const [study = ''] = studiesOf(patient);
      await world.sql`
    update studies set patient = (select id from patients where issuer = 'TEST' and patient_id = 'P1')
    where study_uid = ${study}`;
      expect(await found(all, 'PatientID=P1')).toContain(study);
      await rebuilt(world);
      await eachIsFoundAlone();
      await world.get(all, `/studies/${study}/metadata`).expect(200);
    });
  });
}
