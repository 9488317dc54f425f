import { XMLParser } from 'fast-xml-parser';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeDataset, freshUid, TransferSyntax } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance, SopClass, type InstanceOptions } from '../../infra/demo/dicom.writer.ts';
import { isTooSlow } from '../../src/dicomweb/stow/large.transfers.js';
import { longForm, sample } from '../support/long.form.ts';
import type { Caller, World } from '../support/world.ts';
import { multipartOf } from '../support/stow.body.ts';
import { contourIn, drawnOn, evidence, reference } from './annotation.references.ts';
import { told } from './stow.answers.ts';

const NOT_PERMITTED = 0x0124;

/** Sequences that refer to results, patients, visits and procedure steps. They may name any instance. */
const FREE = '00081100 00081111 00081120 00081125 00400330 00404015 00404016 00741220 00741224 30100044';

let world: World;

let sender: Caller;

let annotator: Caller;

const image = { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid(), patientId: 'P-1' };

const prior = { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid(), patientId: 'P-1' };

const hidden = { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid(), patientId: 'P-2' };

const to = (rights: string[], study: string) => ({ rights, scope: { kind: 'study', study_uid: study } });

const report = (options: InstanceOptions = {}) =>
  makeInstance({
    studyUid: image.studyUid,
    patientId: 'P-1',
    modality: 'SR',
    sopClassUid: SopClass.basicTextSr,
    extra: [evidence(image)],
    ...options,
  });

const newHere = () => ({ studyUid: image.studyUid, seriesUid: freshUid(), sopUid: freshUid() });

async function failure(file: Buffer, who = annotator): Promise<unknown> {
  const answer = told(await world.store(who, [file]));
  return [...Object.values(answer.failed), ...answer.unnamed][0];
}

const structures = (...extra: ReturnType<typeof element>[]) =>
  failure(report({ modality: 'RTSTRUCT', sopClassUid: '1.2.840.10008.5.1.4.1.1.481.3', extra }));

/** The scenarios of `studies:annotate`. */
export function registerStowAnnotate(shared: () => World): void {
  describe('annotations', () => {
    beforeAll(async () => {
      world = shared();
      sender = await world.machine();
      await world
        .store(
          sender,
          [image, prior, hidden].map((one) => makeInstance(one)),
        )
        .expect(200);
      annotator = await world.person(
        to(['studies:read', 'studies:annotate'], image.studyUid),
        to(['studies:read'], prior.studyUid),
        // The right studies:annotate is not enough. The account must also be able to read the annotated study.
        to(['studies:annotate'], hidden.studyUid),
      );
    });

    describe('who may annotate', () => {
      it('adds reports, selections, presentation states, segmentations and structure sets to a study they may read', async () => {
        expect(await failure(report())).toBeUndefined();
        const classes = { KO: '88.59', PR: '11.1', SEG: '66.4', RTSTRUCT: '481.3' };
        for (const [modality, of] of Object.entries(classes)) {
          const sopClassUid = `1.2.840.10008.5.1.4.1.1.${of}`;
          expect(await failure(report({ modality, sopClassUid })), modality).toBeUndefined();
        }
        expect(await failure(report({ extra: [evidence(image, prior)] }))).toBeUndefined();
        const found = await world.get(annotator, `/studies/${image.studyUid}/instances`).expect(200);
        expect(JSON.parse(found.text)).toHaveLength(7);
      });

      it('adds nothing else: no image, whatever its modality says, and no new study', async () => {
        const { studyUid } = image;
        expect(await failure(makeInstance({ studyUid, patientId: 'P-1' }))).toBe(NOT_PERMITTED);
        expect(await failure(report({ sopClassUid: SopClass.ct }))).toBe(NOT_PERMITTED);
        expect(await failure(report({ modality: 'CT' }))).toBe(NOT_PERMITTED);
        expect(await failure(report({ studyUid: freshUid() }))).toBe(NOT_PERMITTED);
        expect(await failure(report({ studyUid: prior.studyUid, extra: [] }))).toBe(NOT_PERMITTED);
        expect(await failure(report({ studyUid: hidden.studyUid, patientId: 'P-2', extra: [] }))).toBe(
          NOT_PERMITTED,
        );
      });

      it('cannot refer to unreadable objects at any depth, whether they exist or not', async () => {
        expect(await failure(report({ extra: [evidence(image, hidden)] }))).toBe(NOT_PERMITTED);
        expect(await failure(report({ extra: [evidence({ ...image, sopUid: hidden.sopUid })] }))).toBe(
          NOT_PERMITTED,
        );
        expect(await failure(report({ extra: [evidence({ ...image, seriesUid: hidden.seriesUid })] }))).toBe(
          NOT_PERMITTED,
        );
        const unknown = { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid() };
        expect(await failure(report({ extra: [evidence(unknown)] }))).toBe(NOT_PERMITTED);
        const deep = element('0040A730', 'SQ', {
          items: [[element('0040A730', 'SQ', { items: [[evidence(hidden)]] })]],
        });
        expect(await failure(report({ extra: [deep] }))).toBe(NOT_PERMITTED);
        // In implicit VR, only the dictionary shows which element is a sequence.
        const transferSyntax = TransferSyntax.implicitLittle;
        expect(await failure(report({ transferSyntax, extra: [deep] }))).toBe(NOT_PERMITTED);
        expect(await failure(report({ transferSyntax, extra: [evidence(hidden)] }))).toBe(NOT_PERMITTED);
        const items = encodeDataset([evidence(hidden)], transferSyntax).subarray(8);
        expect(await failure(report({ extra: [element('0040A375', 'UN', items)] }))).toBe(NOT_PERMITTED);
        expect(await failure(report({ transferSyntax }))).toBeUndefined();
      });

      it('draws structure sets on nothing that they may not read', async () => {
        expect(await structures(drawnOn(image), contourIn(image.sopUid))).toBeUndefined();
        expect(await structures(drawnOn(prior), contourIn(prior.sopUid))).toBeUndefined();
        const unknown = { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid() };
        for (const other of [hidden, unknown]) {
          for (const part of [
            { studyUid: other.studyUid },
            { seriesUid: other.seriesUid },
            { sopUid: other.sopUid },
          ])
            expect(await structures(drawnOn({ ...image, ...part })), JSON.stringify(part)).toBe(
              NOT_PERMITTED,
            );
          expect(await structures(drawnOn(image), contourIn(other.sopUid))).toBe(NOT_PERMITTED);
        }
      });

      it('names a hidden instance in no sequence, only visits, patients and procedure steps', async () => {
        const { elements } = await import('@iwharris/dicom-data-dictionary');
        const sequences = Object.entries(elements)
          .filter(([tag, { vr }]) => vr === 'SQ' && /^\([0-9A-F]{4},[0-9A-F]{4}\)$/.test(tag))
          .filter(([, { keyword }]) =>
            /Reference|Source|Instance|Image|Step|Predecessor|Evidence/.test(keyword),
          )
          .map(([tag]) => tag.replace(/[(),]/g, ''));
        const free = sequences.filter((sequence) => FREE.includes(sequence));
        const others = sequences.filter((sequence) => !FREE.includes(sequence));
        const tried = [...free, ...sample(others, 20), '00091010', '30091155'].map((sequence) => ({
          sequence,
          uids: newHere(),
        }));
        const files = tried.map(({ sequence, uids }) => {
          const naming = element(sequence, 'SQ', { items: [reference(hidden.sopUid)] });
          return report({ ...uids, extra: [naming] });
        });
        const { stored } = told(await world.store(annotator, files));
        const taken = tried.filter(({ uids }) => stored.includes(uids.sopUid));
        expect(taken.map(({ sequence }) => sequence).join(' ')).toBe(FREE);
      });

      it('refers to what the parts before it bring, and to none that comes later', async () => {
        for (let round = 0; round < longForm(5, 1); round += 1) {
          const [first, second] = [newHere(), newHere()];
          const [named, naming] = [report(first), report({ ...second, extra: [evidence(image, first)] })];
          const late = told(await world.store(annotator, [naming, named]));
          expect(late.failed).toEqual({ [second.sopUid]: NOT_PERMITTED });
          expect(late.stored).toEqual([first.sopUid]);
          const [third, fourth] = [newHere(), newHere()];
          const inOrder = [report(third), report({ ...fourth, extra: [evidence(third)] })];
          expect(told(await world.store(annotator, inOrder)).stored).toEqual([third.sopUid, fourth.sopUid]);
        }
      });

      it('and may store elsewhere does both', async () => {
        const studyUid = freshUid();
        const both = await world.person(
          { rights: ['studies:store'], scope: { kind: 'study', study_uid: studyUid } },
          {
            rights: ['studies:read', 'studies:annotate'],
            scope: { kind: 'study', study_uid: image.studyUid },
          },
        );
        expect(await failure(makeInstance({ studyUid }), both)).toBeUndefined();
        expect(await failure(report(), both)).toBeUndefined();
        expect(await failure(makeInstance({ studyUid: image.studyUid, patientId: 'P-1' }), both)).toBe(
          NOT_PERMITTED,
        );
      });
    });

    describe('a large instance', () => {
      it('may be slow at first, and keeps its place at half a megabyte a second', () => {
        expect(isTooSlow(0, 29_000)).toBe(false);
        expect(isTooSlow(20 * 1024 * 1024, 31_000)).toBe(false);
        expect(isTooSlow(10 * 1024 * 1024, 31_000)).toBe(true);
        expect(isTooSlow(1024 * 1024 * 1024, 1_800_000)).toBe(false);
      });
    });

    describe('the response', () => {
      it('is 0x0122 for what is no storage class, 0xC122 for a transfer syntax nobody reads here', async () => {
        expect(await failure(makeInstance({ sopClassUid: '1.2.840.10008.1.1' }), sender)).toBe(0x0122);
        expect(await failure(makeInstance({ sopClassUid: '1.2.840.10008.1.3.10' }), sender)).toBe(0x0122);
        expect(await failure(makeInstance({ sopClassUid: '' }), sender)).toBe(0x0122);
        expect(await failure(makeInstance({ sopClassUid: '1.3.6.1.4.1.99999.1' }), sender)).toBeUndefined();
        for (const transferSyntax of [
          '1.2.840.10008.1.2.4.95',
          '1.2.840.10008.1.2.6.1',
          '1.2.840.113619.5.2',
        ])
          expect(await failure(makeInstance({ transferSyntax }), sender)).toBe(0xc122);
      });

      it('names a refused instance by its file meta information, even if the rest is unreadable', async () => {
        const [sopUid, torn, nowhere, odd] = [freshUid(), freshUid(), freshUid(), `${freshUid()}.007`];
        const files = [
          makeInstance({ sopUid, transferSyntax: '1.2.3.4.5' }),
          makeInstance({ sopUid: torn, transferSyntax: '1.2.840.10008.1.2.1.99' }).subarray(0, 500),
          makeInstance({ sopUid: nowhere, studyUid: '' }),
          makeInstance({ sopUid: odd }),
        ];
        const answer = await world.store(sender, files).expect(409);
        expect(told(answer)).toMatchObject({
          failed: { [sopUid]: 0xc122, [torn]: 0xc000, [nowhere]: 0xc000 },
          unnamed: [0xc000],
        });
        const classes = answer.text.match(/"00081150":{"vr":"UI","Value":\["[\d.]+"\]}/g);
        expect(classes).toHaveLength(3);
      });

      it('warns (202) where the account’s institution is shown instead of the header’s', async () => {
        const north = await world.machine(undefined, { institution: 'North' });
        const file = makeInstance({ institution: 'South' });
        const answer = await world.store(north, [file]).expect(202);
        expect(answer.text).toContain('"00081196":{"vr":"US","Value":[45056]}');
        expect(told(answer).stored).toHaveLength(1);
        // A repeated instance is not stored again, so the response has no warning about coercion.
        const again = await world.store(north, [file]).expect(200);
        expect(again.text).not.toContain('00081196');
        expect(told(again).stored).toEqual(told(answer).stored);
        await world.store(north, [makeInstance({ institution: 'North' }), makeInstance()]).expect(200);
      });

      it('is XML when asked, and JSON whatever else is', async () => {
        const { type, body } = multipartOf([makeInstance(image), Buffer.from('none')]);
        const store = (accept: string) =>
          world.http
            .post('/dicom-web/studies')
            .set('authorization', sender.authorization)
            .set('content-type', type)
            .set('accept', accept)
            .buffer(true)
            .parse((incoming, done) => {
              let text = '';
              incoming.on('data', (chunk: Buffer) => (text += chunk.toString()));
              incoming.on('end', () => done(null, text));
            })
            .send(body)
            .expect(202);
        const answer = await store('application/dicom+xml');
        expect(answer.headers['content-type']).toBe('application/dicom+xml');
        const xml: unknown = new XMLParser({ ignoreAttributes: false }).parse(String(answer.body));
        const text = JSON.stringify(xml);
        expect(text).toContain(image.sopUid);
        expect(text).toContain('49152');
        expect((await store('application/dicom')).headers['content-type']).toBe('application/dicom+json');
      });

      it('takes a file that is filled up with zeros for the same as without them', async () => {
        const uids = { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid() };
        const file = makeInstance(uids);
        await world.store(sender, [Buffer.concat([file, Buffer.alloc(2048)])]).expect(200);
        await world.store(sender, [file, Buffer.concat([file, Buffer.alloc(3)])]).expect(200);
        const other = Buffer.concat([file, Buffer.alloc(64), Buffer.from('payload')]);
        expect(await failure(other, sender)).toBe(0xc000);
      });
    });
  });
}
