import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { sliceUid } from '../../infra/demo/ct.series.ts';
import {
  ANNE,
  CLINIC_INSTITUTION,
  COMPRESSED_STUDY,
  DEMO_INSTITUTION,
  MR_STUDY,
  NORTH_STUDY,
  PHOTOGRAPH_STUDY,
  SOUTH_STUDY,
  TAROU,
  ULTRASOUND_STUDY,
} from '../../infra/demo/demo.objects.ts';
import { abdomenSlice } from '../../infra/demo/phantom.ts';
import { MACHINES } from '../../infra/demo/demo.people.ts';
import { seedDemo, type DemoPerson } from '../../infra/demo/seed.ts';
import { demoFrameOf, search, sizeOf } from './demo.reading.ts';
import { isLong } from '../support/long.form.ts';
import { startWorld, type Caller, type World } from '../support/world.ts';

const EVERY_STUDY = [
  NORTH_STUDY,
  SOUTH_STUDY,
  MR_STUDY,
  ULTRASOUND_STUDY,
  COMPRESSED_STUDY,
  PHOTOGRAPH_STUDY,
];

const Statistics = z.object({
  CountInstances: z.number(),
  CountSeries: z.number(),
  CountStudies: z.number(),
});

let world: World;
let people: DemoPerson[];
let admin: Caller;

const seed = () =>
  seedDemo({
    gateway: world.gateway.url,
    admin: { username: 'admin', password: world.adminPassword },
    log: () => {},
  });

beforeAll(async () => {
  world = await startWorld();
  [people, admin] = [await seed(), await world.admin()];
});
afterAll(() => world?.stop());

/** Signs in as the person who is in exactly these groups. */
async function member(group: string): Promise<Caller> {
  const person = people.find((each) => each.group === group);
  if (person === undefined) throw new Error(`the demo has nobody in ${group} alone`);
  const authorization = await world.signIn(person.username, person.password);
  return { id: '', name: person.username, authorization };
}

const uidsOf = (studies: readonly { studyUid: string }[]) =>
  studies.map(({ studyUid }) => studyUid).toSorted();
const seen = async (caller: Caller, query = '') =>
  (await search(world, caller, `/studies${query}`)).map((study) => String(study('0020000D'))).toSorted();

describe('what is there', () => {
  it.each([
    { study: NORTH_STUDY, modalities: ['CT', 'DOC'], instances: 61 },
    { study: SOUTH_STUDY, modalities: ['CT', 'SEG', 'SR'], instances: 26 },
    { study: MR_STUDY, modalities: 'MR', instances: 34 },
    { study: ULTRASOUND_STUDY, modalities: 'US', instances: 1 },
    { study: COMPRESSED_STUDY, modalities: 'CT', instances: 16 },
    { study: PHOTOGRAPH_STUDY, modalities: 'XC', instances: 1 },
  ])('$study.description is whole, with patient and modality', async ({ study, modalities, instances }) => {
    const [found, ...others] = await search(world, admin, `/studies?StudyInstanceUID=${study.studyUid}`);
    expect(others).toEqual([]);
    expect(found?.('00080061')).toEqual(modalities);
    expect(found?.('00201208')).toBe(instances);
    expect(found?.('00100020')).toBe(study.patient.id);
    expect(found?.('00100021')).toBe(study.patient.issuer);
    expect(found?.('00081030')).toBe(study.description);
  });

  it('the MR has a sagittal and a coronal series', async () => {
    const series = await search(world, admin, `/studies/${MR_STUDY.studyUid}/series`);
    const counted = series.map((each) => [each('0008103E'), each('00201209')]);
    expect(new Map(z.array(z.tuple([z.string(), z.number()])).parse(counted))).toEqual(
      new Map([
        ['T1 sagittal', 20],
        ['T2 coronal', 14],
      ]),
    );
  });

  it('the ultrasound is a cine of 30 frames, each of which differs from the one before', async () => {
    const [cine] = await search(world, admin, `/studies/${ULTRASOUND_STUDY.studyUid}/instances`);
    expect(cine?.('00280008')).toBe(30);
    const at = `/studies/${ULTRASOUND_STUDY.studyUid}/series/${String(cine?.('0020000E'))}/instances/${String(cine?.('00080018'))}`;
    const frames = await Promise.all([1, 2, 30].map((frame) => demoFrameOf(world, admin, at, frame)));
    expect(frames.map(({ length }) => length)).toEqual([76_800, 76_800, 76_800]);
    expect(new Set(frames.map((frame) => frame.toString('base64'))).size).toBe(3);
  });

  it('the photograph begins with red, green and blue', async () => {
    const [photo] = await search(world, admin, `/studies/${PHOTOGRAPH_STUDY.studyUid}/instances`);
    const at = `/studies/${PHOTOGRAPH_STUDY.studyUid}/series/${String(photo?.('0020000E'))}/instances/${String(photo?.('00080018'))}`;
    const pixels = await demoFrameOf(world, admin, at, 1);
    const colours = [16, 48, 80].map((column) => pixels.toString('hex', column * 3, column * 3 + 3));
    expect(colours).toEqual(['ff0000', '00ff00', '0000ff']);
  });

  it('the compressed CT is stored as RLE, much smaller than its pixels', async () => {
    const slices = await search(world, admin, `/studies/${COMPRESSED_STUDY.studyUid}/instances`);
    expect(new Set(slices.map((slice) => slice('00083002')))).toEqual(new Set(['1.2.840.10008.1.2.5']));
    const kept = z
      .array(z.object({ IsStable: z.boolean(), ID: z.string() }))
      .parse(await (await world.archive('/studies?expand')).json());
    const sizes = await Promise.all(kept.map(async ({ ID }) => sizeOf(world, ID)));
    const abdomen = sizes.find(({ count }) => count === 16);
    expect(abdomen?.bytes).toBeLessThan((16 * 256 * 256 * 2) / 4);
  });

  it('the archive decodes the compressed CT to the Hounsfield units that were painted', async () => {
    const [{ ID }] = z
      .tuple([z.object({ ID: z.string() })])
      .parse(await (await lookUp(sliceUid('abdomen', 2))).json());
    const array = await (
      await world.archive(`/instances/${ID}/numpy?rescale=true&compress=false`)
    ).arrayBuffer();
    const expected = [...abdomenSlice(2)];
    const floats = Buffer.from(array).subarray(-4 * expected.length);
    expect(expected.map((_, sample) => floats.readFloatLE(4 * sample))).toEqual(expected);
  });
});

const lookUp = (uid: string) => world.archive('/tools/lookup', { method: 'POST', body: uid });

const namesOf = async (id: string) =>
  (await search(world, admin, `/studies?PatientID=${id}`)).map((study) => study('00100010'));

describe('names', () => {
  it.each(['Müller^Änne', 'muller^anne', 'MÜLLER*', 'muller'])(
    '%s finds the third patient',
    async (typed) => {
      const wild = typed.includes('^') || typed.includes('*') ? typed : `*${typed}*`;
      const found = await seen(admin, `?PatientName=${encodeURIComponent(wild)}`);
      expect(found).toEqual(uidsOf([MR_STUDY, ULTRASOUND_STUDY]));
    },
  );

  it.each(['yamada^tarou', '山田^太郎', '山田*', 'やまだ^たろう'])(
    '%s finds the fourth patient',
    async (typed) => {
      const found = await seen(admin, `?PatientName=${encodeURIComponent(typed)}`);
      expect(found).toEqual(uidsOf([COMPRESSED_STUDY, PHOTOGRAPH_STUDY]));
    },
  );

  it('come back as they were sent, group by group', async () => {
    const [tarou] = await namesOf(TAROU.id);
    expect(tarou).toEqual({
      Alphabetic: 'Yamada^Tarou',
      Ideographic: '山田^太郎',
      Phonetic: 'やまだ^たろう',
    });
    expect((await namesOf(ANNE.id))[0]).toEqual({ Alphabetic: 'Müller^Änne' });
  });
});

describe('institutions', () => {
  it('what the sending account is assigned wins over the header', async () => {
    const found = await seen(admin, `?InstitutionName=${encodeURIComponent(DEMO_INSTITUTION)}`);
    expect(found).toEqual(uidsOf([NORTH_STUDY, SOUTH_STUDY, MR_STUDY, ULTRASOUND_STUDY]));
    expect(ULTRASOUND_STUDY.institution).not.toBe(DEMO_INSTITUTION);
  });

  it('without an assignment the header says it', async () => {
    const found = await seen(admin, `?InstitutionName=${encodeURIComponent(CLINIC_INSTITUTION)}`);
    expect(found).toEqual(uidsOf([COMPRESSED_STUDY, PHOTOGRAPH_STUDY]));
  });
});

describe('who sees what', () => {
  it.each([
    { group: 'Radiology North', sees: [NORTH_STUDY] },
    { group: 'Radiology South', sees: [SOUTH_STUDY] },
    { group: 'Radiology North, Radiology South', sees: [NORTH_STUDY, SOUTH_STUDY] },
    { group: 'All Radiology', sees: EVERY_STUDY },
    { group: 'Lakeside Clinic', sees: [COMPRESSED_STUDY, PHOTOGRAPH_STUDY] },
    { group: 'Ultrasound Lab', sees: [ULTRASOUND_STUDY] },
    { group: 'Patients', sees: [MR_STUDY, ULTRASOUND_STUDY] },
  ])('a member of $group sees these studies and gets no other', async ({ group, sees }) => {
    const person = await member(group);
    expect(await seen(person)).toEqual(uidsOf(sees));
    for (const study of EVERY_STUDY) {
      const status = sees.includes(study) ? 200 : 404;
      await world.get(person, `/studies/${study.studyUid}/metadata`).expect(status);
    }
  });

  it('names nobody twice and leaves nobody out', () => {
    expect(people.map(({ group }) => group)).toHaveLength(7);
    expect(new Set(people.map(({ username }) => username)).size).toBe(people.length);
  });
});

function* firstOf<T>(all: Iterable<T>, count: number): Generator<T> {
  let left = count;
  for (const one of all) {
    if (left === 0) return;
    left -= 1;
    yield one;
  }
}

const counted = async () => Statistics.parse(await (await world.archive('/statistics')).json());

it('stores nothing twice when it is loaded again', async () => {
  const before = await counted();
  expect(before).toMatchObject({ CountStudies: 6, CountInstances: 139 });
  const earlier = people;
  // Making and sending all objects again takes five seconds of processor time.
  if (!isLong)
    for (const machine of MACHINES) {
      const { objects } = machine;
      vi.spyOn(machine, 'objects').mockImplementation(() => firstOf(objects(), 10));
    }
  people = await seed().finally(() => vi.restoreAllMocks());
  expect(await counted()).toEqual(before);
  expect(people.map(({ username }) => username)).toEqual(earlier.map(({ username }) => username));
  expect(await seen(await member('Patients'))).toEqual(uidsOf([MR_STUDY, ULTRASOUND_STUDY]));
  expect(await seen(admin)).toEqual(uidsOf(EVERY_STUDY));
});
