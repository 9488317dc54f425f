import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type DicomElement, freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { Caller, World } from '../support/world.ts';
import { bigInstance } from './stow.answers.ts';

/** The limit of the gateway under test. */
export const MAX_INSTANCE_BYTES = 3_000_000;

let world: World;
let sender: Caller;
const held = { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid() };

const Item = z.object({
  '00000902': z.object({ vr: z.literal('LO'), Value: z.tuple([z.string().min(10).max(64)]) }),
  '00081155': z.object({ vr: z.literal('UI'), Value: z.tuple([z.string()]) }).optional(),
  '00081197': z.object({ vr: z.literal('US'), Value: z.tuple([z.number()]) }),
});
const Items = z.object({ Value: z.array(Item) }).optional();
const Answer = z.object({ '00081198': Items, '0008119A': Items });

/** Reason and comment of each failure in the DICOM JSON response. */
function failuresOf(text: string): [reason: number, comment: string][] {
  const answer = Answer.parse(JSON.parse(text));
  return [...(answer['00081198']?.Value ?? []), ...(answer['0008119A']?.Value ?? [])].map((item) => [
    item['00081197'].Value[0],
    item['00000902'].Value[0],
  ]);
}

/** Sequences that are nested `depth` levels deep. */
function nested(depth: number): DicomElement {
  const inner = depth === 1 ? [element('00080100', 'SH', 'X')] : [nested(depth - 1)];
  return element('00082112', 'SQ', { items: [inner] });
}

const file = makeInstance();
const swapped = (from: string, to: string) => {
  const bytes = Buffer.from(file);
  bytes.write(to, bytes.indexOf(from), 'latin1');
  return bytes;
};

/** The scenarios of the reasons and comments of failures. The gateway must have the limit {@link MAX_INSTANCE_BYTES}. */
export function registerStowFailures(given: () => World): void {
  describe('failures', () => {
    beforeAll(async () => {
      world = given();
      sender = await world.machine();
      await world.store(sender, [makeInstance(held)]).expect(200);
    });

    describe('a failure says in words why, beside its number', () => {
      it.each<[what: string, reason: number, comment: string, made: () => Buffer]>([
        [
          'a report with 50,001 empty items',
          0xc000,
          'A sequence or data set has too many items or elements.',
          () =>
            makeInstance({
              modality: 'SR',
              extra: [element('0040A730', 'SQ', { items: Array.from({ length: 50_001 }, () => []) })],
            }),
        ],
        [
          'an empty part',
          0xc000,
          'Empty, or not a DICOM file: the DICM prefix is missing.',
          () => Buffer.alloc(0),
        ],
        [
          'a text',
          0xc000,
          'Empty, or not a DICOM file: the DICM prefix is missing.',
          () => Buffer.from('hello'),
        ],
        [
          'a preamble without its prefix',
          0xc000,
          'Empty, or not a DICOM file: the DICM prefix is missing.',
          () => file.subarray(0, 130),
        ],
        [
          'file meta information of a wrong length',
          0xc000,
          'The file meta information is incomplete or inconsistent.',
          () => Buffer.concat([file.subarray(0, 140), Buffer.of(9, 0, 0, 0), file.subarray(144)]),
        ],
        ['a file cut short', 0xc000, 'The file ends inside its data set.', () => file.subarray(0, -20)],
        [
          'bytes that are not a data set',
          0xc000,
          'The data set is not encoded as its transfer syntax says.',
          () => swapped('CS\x0a\0ISO_IR', '!!\x0a\0ISO_IR'),
        ],
        [
          'deflated bytes that are none',
          0xc000,
          'The deflated data set cannot be inflated.',
          () => {
            const deflated = makeInstance({ transferSyntax: '1.2.840.10008.1.2.1.99' });
            const start = 144 + deflated.readUInt32LE(140);
            return Buffer.concat([deflated.subarray(0, start), Buffer.alloc(100, 0xff)]);
          },
        ],
        [
          'sequences without end',
          0xc000,
          'Sequences are nested too deep.',
          () => makeInstance({ extra: [nested(200)] }),
        ],
        [
          'two names',
          0xc000,
          'The file meta information names another instance.',
          () => {
            const uids = [`1.2.3.${'4'.repeat(10)}`, `1.2.3.${'5'.repeat(10)}`] as const;
            const bytes = makeInstance({ sopUid: uids[0] });
            bytes.write(uids[1], bytes.lastIndexOf(uids[0]), 'latin1');
            return bytes;
          },
        ],
        [
          'no study',
          0xc000,
          'A UID or the PatientID is missing, malformed or too long.',
          () => makeInstance({ extra: [element('0020000D', 'UI', '')] }),
        ],
        [
          'a PatientID that no key can hold',
          0xc000,
          'A UID or the PatientID is missing, malformed or too long.',
          () => makeInstance({ patientId: 'P'.repeat(4000) }),
        ],
        [
          'a transfer syntax that is not read',
          0xc122,
          'This transfer syntax is not supported. Send another one.',
          () => makeInstance({ transferSyntax: '1.2.840.10008.1.2.4.95' }),
        ],
        [
          'a class that is not stored',
          0x0122,
          'The SOP class is not a storage SOP class.',
          () => makeInstance({ sopClassUid: '1.2.840.10008.1.1' }),
        ],
        [
          'too many bytes',
          0xa700,
          'Too large, or sent too slowly for its size.',
          () => bigInstance(MAX_INSTANCE_BYTES + 1),
        ],
        [
          'another patient in a study that is there',
          0x0110,
          'Contradicts the stored patient, study, series or instance.',
          () => makeInstance({ studyUid: held.studyUid, patientId: 'ELSE' }),
        ],
        [
          'other content',
          0x0111,
          'Other content is stored under this SOP Instance UID.',
          () => makeInstance({ ...held, studyDescription: 'else' }),
        ],
      ])('%s is %i', async (_, reason, comment, made) => {
        const sent = made();
        const json = await world.store(sender, [sent]).expect(409);
        expect(failuresOf(json.text)).toEqual([[reason, comment]]);
        const xml = await world.store(sender, [sent]).set('accept', 'application/dicom+xml').expect(409);
        const text = xml.body instanceof Buffer ? xml.body.toString() : xml.text;
        expect(text).toContain(
          `<DicomAttribute tag="00000902" vr="LO" keyword="ErrorComment"><Value number="1">${comment}</Value>`,
        );
        expect(text).toContain(`keyword="FailureReason"><Value number="1">${reason}</Value>`);
      });

      it('each failed part has its own', async () => {
        const files = [Buffer.alloc(0), makeInstance(), makeInstance({ sopClassUid: '1.2.840.10008.1.1' })];
        const answer = await world.store(sender, files).expect(202);
        expect(failuresOf(answer.text).map(([reason]) => reason)).toEqual([0x0122, 0xc000]);
        const into = await world.store(sender, [makeInstance()], held.studyUid).expect(409);
        expect(failuresOf(into.text)).toEqual([
          [0x0110, 'The instance belongs to another study than the URL.'],
        ]);
      });
    });

    it('0x0124 is the same bytes whatever the account may not see', async () => {
      const [own, never] = [freshUid(), freshUid()];
      const narrow = await world.machine([
        { rights: ['studies:store', 'studies:annotate'], scope: { kind: 'study', study_uid: own } },
      ]);
      const sopUid = freshUid();
      const causes = [
        makeInstance({ studyUid: never, sopUid }),
        makeInstance({ studyUid: held.studyUid, sopUid }),
        makeInstance({ studyUid: held.studyUid, sopUid, patientId: 'ELSE' }),
        makeInstance({ studyUid: own, seriesUid: held.seriesUid, sopUid }),
        makeInstance({ studyUid: held.studyUid, seriesUid: held.seriesUid, sopUid }),
      ];
      const answers: string[] = [];
      for (const cause of causes) {
        const answer = await world.store(narrow, [cause]).expect(409);
        expect(failuresOf(answer.text)).toEqual([[0x0124, 'This account may not store this instance.']]);
        answers.push(answer.text);
      }
      expect(new Set(answers).size).toBe(1);
      const known = await world.store(narrow, [makeInstance(held)]).expect(409);
      expect(known.text.replaceAll(held.sopUid, sopUid)).toBe(answers[0]);
    });
  });
}
