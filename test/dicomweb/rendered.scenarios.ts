import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { type DicomElement, freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance, SopClass } from '../../infra/demo/dicom.writer.ts';
import { encodeFrame } from '../../src/pixels/encoders/frame.encoder.js';
import { contradictions } from '../pixels/contradictions.ts';
import { pictureSamples, pictureSize } from '../pixels/encoded.pictures.ts';
import { pixelFormat } from '../pixels/made.frames.ts';
import { testFile } from '../pixels/rendering.ts';
import { sample } from '../support/long.form.ts';
import type { Caller, World } from '../support/world.ts';
import { encodedFrameOf, freshUids, nativeFile, pixels } from './wado.encodings.ts';
import { partsOf } from './wado.reading.ts';
import { type Ask, askerOf } from './wado.world.ts';

const study = freshUid();

const video = Buffer.alloc(3_000_000).map((_, at) => (at * 7 + (at >> 8)) & 255);

const uids = {
  grey: freshUids(study),
  wide: freshUids(study),
  inverse: freshUids(study),
  rgb: freshUids(study),
  bits: freshUids(study),
  marked: freshUids(study),
  report: freshUids(study),
  pdf: freshUids(study),
  video: freshUids(study),
};

/** An overlay of one pixel at row 30 and column 32. */
const overlay = [
  element('60000010', 'US', [1]),
  element('60000011', 'US', [1]),
  element('60000050', 'SS', [30, 32]),
  element('60003000', 'OW', Buffer.of(1, 0)),
];

const slices = { seriesUid: freshUid(), sops: Array.from({ length: 5 }, () => freshUid()) };

const series = `/studies/${study}/series/${slices.seriesUid}`;

const at = (one: keyof typeof uids) =>
  `/studies/${study}/series/${uids[one].seriesUid}/instances/${uids[one].sopUid}`;

let world: World;

let ask: Ask;

let again: (path: string, headers: Record<string, string>) => Promise<Response>;

/** The beginning of a PDF document. The digit makes each document different. */
function pdf(at: number): Buffer {
  return Buffer.from(`%PDF-1.${at} `);
}

/** The VOI LUT functions (PS3.3 C.11.2.1.2.1 and C.11.2.1.3.2). Their results are between 0 (black) and 255 (white). */
const functions = {
  linear: (x: number, center: number, width: number) => {
    if (x <= center - 0.5 - (width - 1) / 2) return 0;
    if (x > center - 0.5 + (width - 1) / 2) return 255;
    return ((x - (center - 0.5)) / (width - 1) + 0.5) * 255;
  },
  'linear-exact': (x: number, center: number, width: number) =>
    Math.min(255, Math.max(0, ((x - center) / width + 0.5) * 255)),
  sigmoid: (x: number, center: number, width: number) => 255 / (1 + Math.exp((-4 * (x - center)) / width)),
};

/** The scenarios of rendered images, documents and videos. */
export function registerRendered(shared: () => World): void {
  describe('rendered resources', () => {
    beforeAll(async () => {
      world = shared();
      const base = { patientId: 'ENC-1', studyUid: study };
      const tall = { rows: 100, columns: 200 };
      const files = [
        nativeFile(pixels.grey8, uids.grey),
        makeInstance({ ...base, ...uids.wide, ...tall, modality: 'OT' }),
        nativeFile(pixels.inverse, uids.inverse),
        nativeFile(pixels.rgb, uids.rgb),
        nativeFile(pixels.bits, uids.bits),
        nativeFile({ ...pixels.inverse, extra: overlay }, uids.marked),
        makeInstance({ ...base, ...uids.report, modality: 'SR' }),
        makeInstance({
          ...base,
          ...uids.pdf,
          modality: 'DOC',
          sopClassUid: SopClass.pdf,
          extra: [
            element('00420011', 'OB', Buffer.from('%PDF-1.4 ')),
            element('00420012', 'LO', 'application/pdf'),
          ],
        }),
        nativeFile(
          {
            ...pixels.rgb,
            frames: 50,
            extra: [{ tag: '7FE00010', vr: 'OB', value: { fragments: [Buffer.from(video)] } }],
          },
          uids.video,
          '1.2.840.10008.1.2.4.102',
        ),
        ...slices.sops.map((sopUid, index) => {
          const grey = {
            ...pixels.inverse,
            photometric: 'MONOCHROME2',
            bytes: Buffer.alloc(1155, 10 + index * 40),
          };
          return nativeFile(
            grey,
            { studyUid: study, seriesUid: slices.seriesUid, sopUid },
            undefined,
            undefined,
            index + 1,
          );
        }),
      ];
      await world.store(await world.machine(), files).expect(200);
      const reader = await world.radiologist(study);
      ask = askerOf(world, reader);
      again = (path, headers) =>
        fetch(`${world.gateway.url}/dicom-web${path}`, {
          headers: { authorization: reader.authorization, ...headers },
        });
    });

    describe('a rendered image', () => {
      it.each([
        [undefined, 'image/jpeg'],
        ['image/png', 'image/png'],
        ['image/*', 'image/jpeg'],
        ['image/avif, image/png;q=0.5', 'image/png'],
        ['image/jpeg;q=0, image/*', 'image/png'],
        ['*/*, image/jpeg;q=0.1', 'image/png'],
        ['*/*, image/*;q=0.2, image/png;q=0.3', 'image/png'],
      ])('for Accept %s is %s', async (accept, expected) => {
        const { status, type, headers, body } = await ask(`${at('wide')}/rendered`, accept);
        expect([status, type]).toEqual([200, expected]);
        expect(pictureSize(body)).toEqual([200, 100]);
        expect(headers.get('cache-control')).toBe('private, no-cache');
        expect(headers.get('vary')).toBe('Accept, Authorization, Cookie');
      });

      it('shows colours as they are, and MONOCHROME1 turned over', async () => {
        const rgb = await ask(`${at('rgb')}/frames/2/rendered`, 'image/png');
        expect(pictureSamples(rgb.body).equals(pixels.rgb.bytes.subarray(33 * 35 * 3))).toBe(true);
        const inverse = await ask(`${at('inverse')}/rendered?window=128,256,linear`, 'image/png');
        const shown = pictureSamples(inverse.body);
        const off = pixels.inverse.bytes.map((byte, index) => Math.abs(255 - byte - (shown[index] ?? 0)));
        expect(Math.max(...off)).toBeLessThanOrEqual(1);
      });

      it('takes window, viewport and quality', async () => {
        const black = await ask(`${at('grey')}/rendered?window=1000,10,LINEAR`, 'image/png');
        expect(Math.max(...pictureSamples(black.body))).toBe(0);
        const white = await ask(`${at('grey')}/rendered?window=-1000.5,10,linear`, 'image/png');
        expect(Math.min(...pictureSamples(white.body))).toBe(255);
        expect(pictureSize((await ask(`${at('wide')}/rendered?viewport=50,50`)).body)).toEqual([50, 25]);
        const fine = await ask(`${at('wide')}/rendered?quality=100`);
        const coarse = await ask(`${at('wide')}/rendered?quality=1`);
        expect(coarse.body.length).toBeLessThan(fine.body.length);
      });

      it('shows a region of the image, flipped, and 406 for a region outside of the image', async () => {
        const path = `${at('inverse')}/rendered`;
        const [columns, rows] = [35, 33];
        const whole = pictureSamples((await ask(path, 'image/png')).body);
        const { body } = await ask(`${path}?viewport=3,2,4,5,-3,-2`, 'image/png');
        const expected = [6, 5].flatMap((y) => [6, 5, 4].map((x) => whole[y * columns + x]));
        expect([pictureSize(body), [...pictureSamples(body)]]).toEqual([[3, 2], expected]);
        for (const beyond of [`${columns},0`, `0,${rows}`])
          expect((await ask(`${path}?viewport=3,2,${beyond}`)).status).toBe(406);
      });

      it('of several frames is an animation as GIF or WebP, bounded in size', async () => {
        for (const type of ['image/gif', 'image/webp']) {
          const frames = async (path: string) => {
            const answer = await ask(path, type);
            expect([path, answer.status, answer.type]).toEqual([path, 200, type]);
            const frame = type === 'image/gif' ? Buffer.from('21f904', 'hex').toString('latin1') : 'ANMF';
            return answer.body.toString('latin1').split(frame).length - 1;
          };
          expect(await frames(`${at('grey')}/rendered?viewport=8,8`)).toBe(pixels.grey8.frames);
          expect(await frames(`${at('grey')}/frames/3,1/rendered?viewport=8,8`)).toBe(2);
          expect(await frames(`${at('grey')}/frames/2/rendered`)).toBeLessThan(2);
          expect((await ask(`${at('rgb')}/rendered?viewport=4096,4096`, type)).status).toBe(406);
          expect((await ask(`${series}/rendered`, type)).status).toBe(406);
        }
        expect((await ask(`${at('grey')}/rendered`, 'video/mp4')).status).toBe(406);
      });

      it('shows texts and overlays when the client asks for them', async () => {
        const path = `${at('marked')}/rendered`;
        const plain = pictureSamples((await ask(path, 'image/png')).body);
        const overlay = pictureSamples((await ask(`${path}?annotation=overlays`, 'image/png')).body);
        // The overlay is one pixel at row 30 and column 32.
        const changed = [...overlay.keys()].filter((index) => overlay[index] !== plain[index]);
        expect([changed, overlay[29 * 35 + 31]]).toEqual([[29 * 35 + 31], 255]);
        const seen = new Set<string>();
        for (const keywords of ['patient', 'technique', 'technique,patient', 'patient,overlays']) {
          const { status, headers, body } = await ask(
            `${path}?viewport=300,300&annotation=${keywords}`,
            'image/png',
          );
          expect([status, headers.get('warning')]).toEqual([200, null]);
          seen.add(pictureSamples(body).toString('base64'));
        }
        expect(seen.size).toBe(4);
        const unknown = await ask(`${path}?annotation=overlays,Patient,x-1`, 'image/png');
        expect(unknown.headers.get('warning')).toBe(
          '299 radgate "The following annotation values are not supported: Patient, x-1"',
        );
        expect(pictureSamples(unknown.body).equals(overlay)).toBe(true);
        expect((await ask(`${path}?annotation=overlays`, 'image/gif')).status).toBe(200);
      });

      it.each(['jpeg-2000', 'htj2k'] as const)(
        'of a large %s image has the contrast of the whole image',
        async (codec) => {
          const one = { ...freshUids(freshUid()), patientId: 'ENC-6' };
          const side = 301;
          const bytes = new Uint8Array(side * side).map((_, index) => 40 + Math.floor((index % side) / 2));
          const format = pixelFormat(8, 8, { rows: side, columns: side });
          const encoded = await encodeFrame(codec, { format, bytes: bytes.slice() });
          const window = [element('00281050', 'DS', '128'), element('00281051', 'DS', '256')];
          const fragment = Buffer.from(encoded.bytes);
          const padded = Buffer.concat([fragment, Buffer.alloc(fragment.length % 2)]);
          const pixelData = { tag: '7FE00010', vr: 'OB', value: { fragments: [padded] } };
          const extra = [...window, pixelData];
          const transferSyntax = `1.2.840.10008.1.2.4.${codec === 'htj2k' ? '201' : '90'}`;
          const empty = Buffer.alloc(0);
          const file = testFile({ rows: side, columns: side, bytes: empty, transferSyntax, extra }, one);
          await world.store(await world.machine(), [file]).expect(200);
          const reads = askerOf(world, await world.radiologist(one.studyUid));
          const path = `/studies/${one.studyUid}/series/${one.seriesUid}/instances/${one.sopUid}`;
          const small = await reads(`${path}/thumbnail`, 'image/png');
          expect(pictureSize(small.body)).toEqual([128, 128]);
          // The edges of a scaled picture differ more.
          const apart = [...pictureSamples(small.body)].map((value, index) => {
            const stored = 40 + (((index % 128) + 0.5) * side) / 128 / 2;
            return index % 128 === 0 || index % 128 === 127 ? 0 : Math.abs(value - stored);
          });
          expect(Math.max(...apart)).toBeLessThan(4);
        },
      );

      it('has the ICC profile and the colours that the client asks for', async () => {
        const path = `${at('rgb')}/rendered`;
        const plain = (await ask(path, 'image/png')).body;
        const parts = async (query: string, from = path) => {
          const { status, body } = await ask(`${from}?iccprofile=${query}`, 'image/png');
          return [status, body.includes('iCCP'), pictureSamples(body).equals(pictureSamples(plain))];
        };
        expect(await parts('no')).toEqual([200, false, true]);
        expect(await parts('yes')).toEqual([200, true, true]);
        expect(await parts('srgb')).toEqual([200, true, true]);
        expect(await parts('adobergb')).toEqual([200, true, false]);
        expect(await parts('rommrgb', `${at('grey')}/rendered`)).toEqual([200, true, false]);
        expect((await ask(`${path}?iccprofile=yes`, 'image/gif')).status).toBe(400);
        expect((await ask(`${path}?iccprofile=no`, 'image/gif')).status).toBe(200);
      });

      it('has square pixels in a viewport', async () => {
        const one = { ...freshUids(freshUid()), patientId: 'ENC-4' };
        // A pixel is twice as high as wide, so the picture is twice as high.
        const extra = [element('00280030', 'DS', '0.8\\0.4')];
        const file = nativeFile({ ...pixels.inverse, extra }, one);
        await world.store(await world.machine(), [file]).expect(200);
        const reads = askerOf(world, await world.radiologist(one.studyUid));
        const path = `/studies/${one.studyUid}/series/${one.seriesUid}/instances/${one.sopUid}`;
        expect(pictureSize((await reads(`${path}/rendered`)).body)).toEqual([35, 33]);
        expect(pictureSize((await reads(`${path}/rendered?viewport=66,66`)).body)).toEqual([35, 66]);
      });

      it.each([
        'viewport=0,5',
        'window=1',
        'window=1,2,linear&window=1,2,linear',
        'quality=101',
        'annotation=',
        'iccprofile=',
        'iccprofile=cmyk',
        'annotation=patient,',
        'annotation=%22',
      ])('is 400 for ?%s', async (query) => {
        for (const path of [`${at('grey')}/rendered`, `${at('grey')}/thumbnail`, `${series}/rendered`])
          expect((await ask(`${path}?${query}`)).status).toBe(400);
      });

      it('of several frames is the first as one body, all in parts', async () => {
        const first = await ask(`${at('grey')}/rendered`, 'image/png');
        const all = await ask(`${at('grey')}/rendered`, 'multipart/related; type="image/png"');
        const parts = partsOf(all.type, all.body);
        expect(parts).toHaveLength(3);
        expect(parts[0]?.body.equals(first.body)).toBe(true);
        const two = await ask(`${at('grey')}/frames/3,1/rendered`, 'multipart/related; type="image/png"');
        expect(partsOf(two.type, two.body).map((part) => part.body)).toEqual([
          parts[2]?.body,
          parts[0]?.body,
        ]);
        expect((await ask(`${at('grey')}/frames/3,1/rendered`, 'image/png')).status).toBe(406);
        for (const frame of ['0', '4', '1,4'])
          expect((await ask(`${at('grey')}/frames/${frame}/rendered`)).status).toBe(404);
      });

      it('of a series and a study are one of each instance that can be shown', async () => {
        const all = await ask(`${series}/rendered`);
        expect(partsOf(all.type, all.body).map((part) => part.headers['content-location'])).toEqual(
          slices.sops.map(
            (sop) => `${world.gateway.url}/dicom-web${series}/instances/${sop}/frames/1/rendered`,
          ),
        );
        const study_ = await ask(`/studies/${study}/rendered`, 'multipart/related; type="image/png"');
        expect(partsOf(study_.type, study_.body)).toHaveLength(11);
        expect((await ask(`${series}/rendered`, 'image/png')).status).toBe(406);
      });

      it('of a series and a study without images are their documents', async () => {
        const own = freshUid();
        const file = (seriesUid: string, sopUid: string, number: number) =>
          makeInstance({
            studyUid: own,
            seriesUid,
            sopUid,
            instanceNumber: number,
            modality: 'DOC',
            sopClassUid: SopClass.pdf,
            extra: [element('00420011', 'OB', pdf(number)), element('00420012', 'LO', 'application/pdf')],
          });
        const [one, two] = [freshUid(), freshUid()];
        const sops = [freshUid(), freshUid(), freshUid()] as const;
        const files = [file(one, sops[0], 4), file(two, sops[1], 5), file(two, sops[2], 6)];
        const report = makeInstance({ studyUid: own, seriesUid: one, modality: 'SR' });
        await world.store(await world.machine(), [...files, report]).expect(200);
        const reads = askerOf(world, await world.radiologist(own));
        for (const accept of [undefined, 'application/pdf', '*/*']) {
          const { status, type, body } = await reads(`/studies/${own}/series/${one}/rendered`, accept);
          expect([status, type, body.equals(pdf(4))]).toEqual([200, 'application/pdf', true]);
        }
        const asked: [path: string, accept: string | undefined, texts: Buffer[]][] = [
          [`/series/${one}`, 'multipart/related; type="application/pdf"', [pdf(4)]],
          [`/series/${two}`, undefined, [pdf(5), pdf(6)]],
          [`/series/${two}`, 'multipart/related; type=application/pdf', [pdf(5), pdf(6)]],
        ];
        for (const [path, accept, texts] of asked) {
          const { status, type, headers, body } = await reads(`/studies/${own}${path}/rendered`, accept);
          expect([status, type.split(';')[0], headers.get('etag')?.slice(0, 2)]).toEqual([
            200,
            'multipart/related',
            'W/',
          ]);
          const parts = partsOf(type, body);
          expect(parts.map((part) => part.headers['content-type'])).toEqual(
            texts.map(() => 'application/pdf'),
          );
          expect(parts.map((part) => part.body.toString())).toEqual(texts.map(String));
        }
        const all = await reads(`/studies/${own}/rendered`);
        const places = partsOf(all.type, all.body).map((part) => part.headers['content-location']);
        const series_ = `${world.gateway.url}/dicom-web/studies/${own}/series`;
        expect(new Set(places)).toEqual(
          new Set([one, two, two].map((uid, at) => `${series_}/${uid}/instances/${sops[at]}/rendered`)),
        );
        expect(places).toHaveLength(3);
        for (const [path, accept] of [
          [`/series/${two}/rendered`, 'application/pdf'],
          [`/series/${one}/rendered`, 'image/jpeg'],
          [`/series/${one}/rendered`, 'multipart/related; type="image/jpeg"'],
          [`/series/${one}/thumbnail`, '*/*'],
        ] as const)
          expect([path, (await reads(`/studies/${own}${path}`, accept)).status]).toEqual([path, 406]);
      });

      it('of one instance is had at the address of the instance, by Accept', async () => {
        const asked: [one: keyof typeof uids, accept: string, type: string, as: string | undefined][] = [
          ['grey', 'image/png', 'image/png', 'rendered'],
          ['grey', 'image/jpeg', 'image/jpeg', 'rendered'],
          ['grey', 'image/*', 'image/jpeg', 'rendered'],
          ['grey', 'image/png, application/dicom', 'image/png', 'rendered'],
          ['grey', 'image/avif,image/*;q=0.8,*/*;q=0.5', 'image/jpeg', 'rendered'],
          ['grey', 'application/dicom;q=0.1, image/png', 'image/png', 'rendered'],
          ['grey', 'application/dicom;transfer-syntax=1.2.3, image/png', 'image/png', 'rendered'],
          ['grey', 'image/png;q=0.1, application/dicom', 'application/dicom', undefined],
          ['grey', 'application/dicom, image/png', 'application/dicom', undefined],
          ['grey', '*/*, image/png', 'multipart/related', undefined],
          ['pdf', 'application/pdf', 'application/pdf', 'rendered'],
          ['pdf', 'image/png, application/dicom', 'application/dicom', undefined],
          ['video', 'video/mp4', 'video/mp4', 'rendered'],
          ['report', 'image/jpeg, application/dicom;q=0.1', 'application/dicom', undefined],
        ];
        for (const [one, accept, type, as] of asked) {
          const answer = await ask(at(one), accept);
          expect([one, accept, answer.status, answer.type.split(';')[0]]).toEqual([one, accept, 200, type]);
          if (as === undefined) continue;
          const same = await ask(`${at(one)}/${as}`, accept);
          expect(answer.body.equals(same.body), accept).toBe(true);
          expect(answer.headers.get('vary')).toContain('Accept');
          expect(answer.headers.get('etag')).toBe(same.headers.get('etag'));
        }
        const inParts = await ask(at('grey'), 'multipart/related; type="image/png"');
        expect(partsOf(inParts.type, inParts.body).map((part) => part.headers['content-type'])).toEqual([
          'image/png',
          'image/png',
          'image/png',
        ]);
        const small = await ask(`${at('wide')}?viewport=16,16&accept=image/png`);
        expect(pictureSize(small.body)).toEqual([16, 8]);
        for (const [one, accept] of [
          ['report', 'image/jpeg'],
          ['pdf', 'image/png'],
          ['grey', 'application/pdf'],
          ['grey', 'video/mp4'],
        ] as const)
          expect([one, accept, (await ask(at(one), accept)).status]).toEqual([one, accept, 406]);
        expect((await ask(series, 'image/jpeg')).status).toBe(406);
        expect((await ask(at('grey').replace(/\d$/, '00'), 'image/jpeg')).status).toBe(404);
      });

      it.each<[what: string, extra: DicomElement[]]>(
        sample(
          [
            ['no document', [element('00420012', 'LO', 'application/pdf')]],
            [
              'an empty one',
              [element('00420011', 'OB', Buffer.alloc(0)), element('00420012', 'LO', 'application/pdf')],
            ],
            [
              'a text in its place',
              [
                element('00420011', 'OB', Buffer.from('<html>no document</html>')),
                element('00420012', 'LO', 'application/pdf'),
              ],
            ],
          ],
          2,
        ),
      )('a PDF of %s is 406, and left out of its study', async (_, extra) => {
        const own = freshUid();
        const document = (broken: boolean) => {
          const one = freshUids(own);
          const held = [element('00420011', 'OB', pdf(8)), element('00420012', 'LO', 'application/pdf')];
          const options = { modality: 'DOC', sopClassUid: SopClass.pdf, extra: broken ? extra : held };
          const path = `/studies/${own}/series/${one.seriesUid}/instances/${one.sopUid}`;
          return { path, seriesUid: one.seriesUid, file: makeInstance({ ...one, ...options }) };
        };
        const [first, good, last] = [document(true), document(false), document(true)];
        await world.store(await world.machine(), [first.file, good.file, last.file]).expect(200);
        const reads = askerOf(world, await world.radiologist(own));
        for (const path of [`${first.path}/rendered`, `/studies/${own}/series/${last.seriesUid}/rendered`]) {
          const { status, type, body } = await reads(path);
          expect([path, status, type]).toEqual([path, 406, 'application/problem+json']);
          expect(body.toString()).toContain('no PDF document');
        }
        expect((await reads(first.path, 'application/pdf')).status).toBe(406);
        expect((await reads(first.path, 'application/dicom')).status).toBe(200);
        const whole = await reads(`/studies/${own}/rendered`);
        expect(whole.status).toBe(200);
        expect(partsOf(whole.type, whole.body).map((part) => part.body.toString())).toEqual([
          pdf(8).toString(),
        ]);
      });

      it('of a series with an image that cannot be decoded leaves that one out', async () => {
        const own = freshUid();
        const seriesUid = freshUid();
        const files = [1, 2, 3].map((number) => {
          const one = { studyUid: own, seriesUid, sopUid: freshUid() };
          const pixelData = { tag: '7FE00010', vr: 'OB', value: { fragments: [Buffer.alloc(100, 7)] } };
          return number === 2
            ? nativeFile(pixels.inverse, one, undefined, undefined, number)
            : nativeFile(
                { ...pixels.inverse, extra: [pixelData] },
                one,
                '1.2.840.10008.1.2.5',
                undefined,
                number,
              );
        });
        await world.store(await world.machine(), files).expect(200);
        const reads = askerOf(world, await world.radiologist(own));
        const { status, type, body } = await reads(`/studies/${own}/series/${seriesUid}/rendered`);
        expect(status).toBe(200);
        expect(partsOf(type, body)).toHaveLength(1);
      });

      it('shows a bitmap in black and white', async () => {
        const { status, body } = await ask(`${at('bits')}/frames/2/rendered`, 'image/png');
        expect(status).toBe(200);
        const packed = encodedFrameOf(pixels.bits, 2);
        const shown = Array.from(
          { length: 63 },
          (_, bit) => (((packed[bit >> 3] ?? 0) >> (bit & 7)) & 1) * 255,
        );
        expect([...pictureSamples(body)]).toEqual(shown);
      });

      it.each(['report'] as const)('is 406 for a %s, in clear words', async (one) => {
        for (const path of ['rendered', 'thumbnail']) {
          const { status, body } = await ask(`${at(one)}/${path}`);
          expect(status).toBe(406);
          expect(body.toString()).toContain('This cannot be rendered');
        }
      });
    });

    describe('a thumbnail', () => {
      it('is small, keeps its shape and never grows', async () => {
        const { type, body } = await ask(`${at('wide')}/thumbnail`);
        expect([type, ...pictureSize(body)]).toEqual(['image/jpeg', 128, 64]);
        expect(pictureSize((await ask(`${at('grey')}/thumbnail?accept=image/jpeg`, 'x/y')).body)).toEqual([
          35, 33,
        ]);
        expect(pictureSize((await ask(`${at('wide')}/thumbnail?viewport=16,16`)).body)).toEqual([16, 8]);
      });

      it('is the middle image of a series, and the middle frame of a cine', async () => {
        const middle = await ask(
          `${series}/instances/${slices.sops[2]}/thumbnail?window=128,256,linear`,
          'image/png',
        );
        const whole = await ask(`${series}/thumbnail?window=128,256,linear`, 'image/png');
        expect(whole.body.equals(middle.body)).toBe(true);
        const frame = await ask(`${at('grey')}/frames/2/thumbnail`, 'image/png');
        expect((await ask(`${at('grey')}/thumbnail`, 'image/png')).body.equals(frame.body)).toBe(true);
        const list = await ask(`${at('grey')}/frames/2,1/thumbnail`, 'image/png');
        expect(list.body.equals(frame.body)).toBe(true);
        expect((await ask(`/studies/${study}/thumbnail`)).status).toBe(200);
      });
    });

    describe('a video', () => {
      it('does not prevent that its study is retrieved: it is sent as stored, unless a transfer syntax is named', async () => {
        const accept = 'multipart/related; type="application/dicom"';
        const { status, type, body } = await ask(`/studies/${study}`, accept);
        expect(status).toBe(200);
        const syntaxes = partsOf(type, body).map((part) => part.headers['content-type']?.split('=')[1]);
        expect(new Set(syntaxes)).toEqual(new Set(['1.2.840.10008.1.2.1', '1.2.840.10008.1.2.4.102']));
        const named = `${accept}; transfer-syntax=1.2.840.10008.1.2.1`;
        expect((await ask(`/studies/${study}`, named)).status).toBe(406);
      });

      it('is rendered as what it is', async () => {
        const { status, type, headers, body } = await ask(`${at('video')}/rendered`, 'video/mp4');
        expect([status, type, headers.get('accept-ranges')]).toEqual([200, 'video/mp4', 'bytes']);
        expect(body.equals(video)).toBe(true);
        expect((await ask(`${at('video')}/rendered`, 'image/jpeg')).status).toBe(406);
        const frames = await ask(`${at('video')}/frames/1`, 'multipart/related; type="video/mp4"');
        expect(partsOf(frames.type, frames.body)[0]?.body.equals(video)).toBe(true);
        expect((await ask(`${at('video')}/frames/2`)).status).toBe(404);
        const bulk = await ask(`${at('video')}/bulk/7FE00010`, 'video/mp4');
        expect(bulk.body.equals(video)).toBe(true);
      });

      it.each([
        ['1.2.840.10008.1.2.4.100', 'video/mpeg'],
        ['1.2.840.10008.1.2.4.107', 'video/mp4'],
      ])('in %s is %s, whatever its number of fragments', async (syntax, expected) => {
        const one = freshUids(study);
        const fragments = [Buffer.alloc(3000, 1), Buffer.alloc(2000, 2)];
        const extra = [{ tag: '7FE00010', vr: 'OB', value: { fragments } }];
        const file = nativeFile({ ...pixels.rgb, frames: 9, extra }, one, syntax);
        await world.store(await world.machine(), [file]).expect(200);
        const { type, body } = await ask(
          `/studies/${study}/series/${one.seriesUid}/instances/${one.sopUid}/rendered`,
        );
        expect(type).toBe(expected);
        expect(body.equals(Buffer.concat(fragments))).toBe(true);
      });

      it.each([
        ['bytes=0-99', 0, 100],
        ['bytes=1000000-1999999', 1_000_000, 2_000_000],
        ['bytes=2999990-', 2_999_990, 3_000_000],
        ['bytes=-5', 2_999_995, 3_000_000],
        ['bytes=5-99999999', 5, 3_000_000],
      ])('comes by the range %s', async (range, from, to) => {
        const answer = await again(`${at('video')}/rendered`, { range });
        expect(answer.status).toBe(206);
        expect(answer.headers.get('content-range')).toBe(`bytes ${from}-${to - 1}/3000000`);
        expect(answer.headers.get('content-length')).toBe(String(to - from));
        expect(Buffer.from(await answer.arrayBuffer()).equals(video.subarray(from, to))).toBe(true);
      });

      it('is 416 beyond its end, and whole when it is no longer the same', async () => {
        const beyond = await again(`${at('video')}/rendered`, { range: 'bytes=3000000-' });
        expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */3000000']);
        const other = await again(`${at('video')}/rendered`, { range: 'bytes=0-1', 'if-range': '"other"' });
        expect(other.status).toBe(200);
        await other.body?.cancel();
      });
    });

    describe('what the client holds', () => {
      let stranger: Caller;
      beforeAll(async () => {
        stranger = await world.radiologist(freshUid());
      });

      it.each([
        () => `${at('grey')}/metadata`,
        () => `${series}/metadata`,
        () => `${at('grey')}/rendered`,
        () => `${series}/rendered`,
        () => `${series}/thumbnail`,
        () => `${at('grey')}/frames/1,2`,
        () => `${at('pdf')}/rendered`,
        () => `${at('video')}/rendered`,
      ])('is not sent again: %s', async (path) => {
        const first = await again(path(), {});
        expect(first.status).toBe(200);
        await first.arrayBuffer();
        const etag = first.headers.get('etag') ?? '';
        expect(etag).toMatch(/^(W\/)?"[\w-]+"$/);
        for (const held of [etag, `"other", ${etag}`, etag.replace('W/', ''), '*']) {
          const answer = await again(path(), { 'if-none-match': held });
          expect([answer.status, await answer.text()]).toEqual([304, '']);
          expect(answer.headers.get('etag')).toBe(etag);
          expect(answer.headers.get('cache-control')).toBe('private, no-cache');
        }
        const stale = await again(path(), { 'if-none-match': '"other"' });
        expect(stale.status).toBe(200);
        await stale.arrayBuffer();
        const answer = await fetch(`${world.gateway.url}/dicom-web${path()}`, {
          headers: { authorization: stranger.authorization, 'if-none-match': etag },
        });
        expect(answer.status).toBe(404);
      });

      it('has another tag for another window, type or frame', async () => {
        const tags = await Promise.all(
          [
            'rendered',
            'rendered?window=1,2,linear',
            'rendered?accept=image/png',
            'frames/2/rendered',
            'thumbnail',
          ].map(async (path) => (await again(`${at('grey')}/${path}`, {})).headers.get('etag')),
        );
        expect(new Set(tags).size).toBe(5);
      });
    });

    it('a window shows each pixel as its function says, in modality units', async () => {
      const one = freshUids(study);
      const bytes = Buffer.alloc(32 * 64 * 2);
      for (let at = 0; at < 32 * 64; at += 1) bytes.writeUInt16LE(at, at * 2);
      const extra = [element('00281052', 'DS', '-1000'), element('00281053', 'DS', '1')];
      const file = nativeFile({ ...pixels.grey16, frames: 1, rows: 32, columns: 64, bytes, extra }, one);
      await world.store(await world.machine(), [file]).expect(200);
      const path = `/studies/${study}/series/${one.seriesUid}/instances/${one.sopUid}/rendered`;
      const windows = [
        ['linear', 40, 400],
        ['linear', 0.5, 10],
        ['linear', -7, 2],
        ['linear', 50, 1],
        ['linear-exact', 40, 400],
        ['linear-exact', -100, 3],
        ['linear', 50.5, 1],
        ['linear', -3.2, 1],
        ['linear', 9.9, 1.7],
        ['linear-exact', 0.25, 1],
        ['linear-exact', 0.25, 0.5],
        ['sigmoid', 40, 400],
        ['sigmoid', -3, 0.5],
      ] as const;
      for (const [name, center, width] of windows) {
        const { body } = await ask(`${path}?window=${center},${width},${name}`, 'image/png');
        const off = [...pictureSamples(body)].map((shown, at) =>
          Math.abs(shown - functions[name](at - 1000, center, width)),
        );
        expect([name, center, width, Math.max(...off) <= 1]).toEqual([name, center, width, true]);
      }
      const chain = { studyUID: study, seriesUID: one.seriesUid, objectUID: one.sopUid, requestType: 'WADO' };
      const query = new URLSearchParams({ ...chain, windowCenter: '40', windowWidth: '400' });
      const uri = await again(`/../wado?${query.toString()}&contentType=image/png`, {});
      const same = await ask(`${path}?window=40,400,linear`, 'image/png');
      expect(Buffer.from(await uri.arrayBuffer()).equals(same.body)).toBe(true);
    });

    it('each reading is on record before it leaves', async () => {
      await ask(`${at('grey')}/thumbnail`);
      const rows =
        await world.sql`select 1 from audit where action = 'read rendered' and study_uid = ${study}`;
      expect(rows.length).toBeGreaterThan(0);
    });

    it('a picture too large to be taken at once comes whole', async () => {
      const one = freshUids(study);
      const [rows, columns] = [1500, 1500];
      const bytes = randomBytes(rows * columns);
      const file = nativeFile({ ...pixels.grey8, frames: 1, rows, columns, bytes }, one);
      await world.store(await world.machine(), [file]).expect(200);
      const path = `/studies/${study}/series/${one.seriesUid}/instances/${one.sopUid}/rendered`;
      const { body } = await ask(`${path}?window=128,256,linear`, 'image/png');
      expect(body.length).toBeGreaterThan(1024 * 1024);
      const shown = pictureSamples(body);
      expect(shown.every((sample, index) => Math.abs(sample - (bytes[index] ?? 0)) <= 1)).toBe(true);
    });

    it('rendering reads the header once, and of each frame only its bytes, once', async () => {
      const one = { ...freshUids(freshUid()), patientId: 'ENC-2' };
      await world.store(await world.machine(), [makeInstance({ ...one, frames: 5 })]).expect(200);
      const askFor = askerOf(world, await world.radiologist(one.studyUid));
      const path = `/studies/${one.studyUid}/series/${one.seriesUid}/instances/${one.sopUid}`;
      const from = world.gateway.upstream?.requests.length ?? 0;
      for (const frame of ['1', '2', '3', '4', '5', '1,2,3,4,5'])
        expect((await askFor(`${path}/frames/${frame}/rendered`)).status).toBe(200);
      const asked = world.gateway.upstream?.requests.slice(from) ?? [];
      const ofInstances = asked.filter((one) => one.includes('/instances/'));
      expect(ofInstances.filter((one) => !one.includes('/attachments/dicom/data'))).toEqual([]);
      expect(ofInstances).toHaveLength(6);
    });

    it.each(['1.2.840.10008.1.2', '1.2.840.10008.1.2.2', '1.2.840.10008.1.2.1.99'])(
      'the pictures of %s are those of Explicit VR Little Endian',
      async (syntax) => {
        const words = Array.from({ length: 33 * 35 * 2 }, (_, index) => (index * 37) % 4096);
        const extra = [element('7FE00010', 'OW', words)];
        const [plain, other] = [freshUids(study), freshUids(study)];
        const files = [
          nativeFile({ ...pixels.grey16, extra }, plain),
          nativeFile({ ...pixels.grey16, extra }, other, syntax),
        ];
        await world.store(await world.machine(), files).expect(200);
        const [expected, shown] = await Promise.all(
          [plain, other].map((one) =>
            ask(
              `/studies/${study}/series/${one.seriesUid}/instances/${one.sopUid}/frames/2/rendered`,
              'image/png',
            ),
          ),
        );
        expect([expected?.status, shown?.status]).toEqual([200, 200]);
        expect(pictureSamples(shown?.body ?? Buffer.alloc(0))).toEqual(
          pictureSamples(expected?.body ?? Buffer.alloc(0)),
        );
      },
    );

    it('pixels that contradict their header are 406, and the archive decodes nothing', async () => {
      const own = freshUid();
      const named = sample(contradictions, 9).map(([name, image]) => {
        const [seriesUid, sopUid] = [freshUid(), freshUid()];
        const file = testFile(image, { studyUid: own, seriesUid, sopUid, patientId: 'ENC-3' });
        return { name, file, path: `/studies/${own}/series/${seriesUid}/instances/${sopUid}` };
      });
      const files = named.map(({ file }) => file);
      await world.store(await world.machine(), files).expect(200);
      const askFor = askerOf(world, await world.radiologist(own));
      const from = world.gateway.upstream?.requests.length ?? 0;
      for (const { name, path } of named)
        for (const resource of ['rendered', 'thumbnail', 'frames/1/rendered']) {
          const { status, body } = await askFor(`${path}/${resource}`);
          expect([name, resource, status]).toEqual([name, resource, 406]);
          expect(body.toString()).toContain('This cannot be rendered');
        }
      const asked = world.gateway.upstream?.requests.slice(from) ?? [];
      const ofInstances = asked.filter((one) => one.includes('/instances/'));
      expect(ofInstances.filter((one) => !one.includes('/attachments/dicom/data'))).toEqual([]);
    });
  });
}
