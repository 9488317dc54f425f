import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freshUid, TransferSyntax } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance, SopClass } from '../../infra/demo/dicom.writer.ts';
import type { World } from '../support/world.ts';
import { told } from './stow.answers.ts';
import { partsOf } from './wado.reading.ts';
import { type Ask, askerOf } from './wado.world.ts';

const study = freshUid();

const series = { plain: freshUid(), rle: freshUid(), pdf: freshUid() };

const sop = { plain: freshUid(), second: freshUid(), rle: freshUid(), pdf: freshUid() };

const base = { studyUid: study, patientId: 'META-1' };

const filled = (byte: number) => Buffer.alloc(3000, byte);

const document = Buffer.concat([Buffer.from('%PDF-1.4\n'), filled(0x20)]);

const Values = z.array(z.record(z.string(), z.looseObject({ vr: z.string() })));

const Bulk = z.object({ BulkDataURI: z.string() });

/** Elements of each item, and items of each sequence, of a file with very many elements. */
const ELEMENTS = 30;
const ITEMS = 850;

let world: World;

let ask: Ask;

const at = (kind: keyof typeof series, uid: string) =>
  `/studies/${study}/series/${series[kind]}/instances/${uid}`;

async function metadata(path: string): Promise<{ text: string; items: z.infer<typeof Values> }> {
  const { status, type, body } = await ask(`${path}/metadata`);
  expect([status, type]).toEqual([200, 'application/dicom+json']);
  return { text: body.toString(), items: Values.parse(JSON.parse(body.toString())) };
}

/** The scenarios of metadata in DICOM JSON. */
export function registerMetadata(shared: () => World): void {
  describe('metadata', () => {
    beforeAll(async () => {
      world = shared();
      const nested = [
        [element('00420011', 'OB', filled(1))],
        [
          element('00400008', 'SQ', { items: [[element('00420011', 'OB', filled(3))]] }),
          element('00420011', 'OB', filled(2)),
        ],
      ];
      const extra = [
        element('00090010', 'LO', 'RADGATE TEST'),
        element('00091001', 'UN', filled(7)),
        element('00400275', 'SQ', { items: nested }),
        element('00420011', 'OB', filled(9)),
        element('00104000', 'LT', ' of \\ several  \\\\ lines '),
        element('00081140', 'SQ', { items: [[element('00204000', 'LT', '\\a\\')]] }),
        element('00081110', 'SQ', { items: [[], [element('00081150', 'UI', '1.2.3')], []] }),
        element('00081199', 'SQ', { items: [[]] }),
      ];
      const files = [
        makeInstance({ ...base, seriesUid: series.plain, sopUid: sop.plain, frames: 2, extra }),
        makeInstance({ ...base, seriesUid: series.plain, sopUid: sop.second, instanceNumber: 2 }),
        makeInstance({ ...base, seriesUid: series.rle, sopUid: sop.rle, transferSyntax: TransferSyntax.rle }),
        makeInstance({
          ...base,
          seriesUid: series.pdf,
          sopUid: sop.pdf,
          modality: 'DOC',
          sopClassUid: SopClass.pdf,
          extra: [element('00420011', 'OB', document), element('00420012', 'LO', 'application/pdf')],
        }),
      ];
      await world.store(await world.machine(), files).expect(200);
      ask = askerOf(world, await world.radiologist(study));
    });

    describe('metadata', () => {
      it.each([
        ['study', `/studies/${study}`, Object.values(sop)],
        ['series', `/studies/${study}/series/${series.plain}`, [sop.plain, sop.second]],
        ['instance', at('plain', sop.second), [sop.second]],
      ])('of a %s holds each of its instances, once', async (_, path, uids) => {
        const { items } = await metadata(path);
        const found = items.map((item) => JSON.stringify(item['00080018']?.['Value']));
        expect(found.toSorted()).toEqual(uids.map((uid) => JSON.stringify([uid])).toSorted());
      });

      it('keeps a text in which a backslash is a character in one piece', async () => {
        const [item = {}] = (await metadata(at('plain', sop.plain))).items;
        expect(item['00104000']?.['Value']).toEqual([' of \\ several  \\\\ lines']);
        expect(item['00081140']?.['Value']).toEqual([{ '00204000': { vr: 'LT', Value: ['\\a\\'] } }]);
      });

      it('keeps empty items of sequences', async () => {
        const [item = {}] = (await metadata(at('plain', sop.plain))).items;
        expect(item['00081110']?.['Value']).toEqual([{}, { '00081150': { vr: 'UI', Value: ['1.2.3'] } }, {}]);
        expect(item['00081199']?.['Value']).toEqual([{}]);
      });

      it('names only public addresses', async () => {
        const { text } = await metadata(`/studies/${study}`);
        const addresses = [...text.matchAll(/https?:[^"]*/g)].map(([address]) => address);
        expect(addresses.length).toBeGreaterThan(8);
        for (const address of addresses) {
          expect(address.startsWith(`${world.gateway.url}/dicom-web/studies/${study}/series/`), address).toBe(
            true,
          );
        }
        expect(text).not.toContain(new URL(world.orthanc.url).host);
      });

      it('is 406 as something else than JSON and XML, and 404 for what is not there', async () => {
        for (const accept of [
          'text/html',
          'application/dicom+xml',
          'multipart/related; type="application/dicom"',
        ]) {
          expect((await ask(`/studies/${study}/metadata`, accept)).status).toBe(406);
        }
        expect((await ask(`/studies/${freshUid()}/metadata`)).status).toBe(404);
        expect(
          (await ask(`/studies/${study}/series/${series.rle}/instances/${sop.plain}/metadata`)).status,
        ).toBe(404);
      });

      it.each([
        'application/dicom+json',
        'application/json, text/plain, */*',
        'application/json, application/dicom+json',
        'application/*',
        '*/*',
        'text/html, application/dicom+json;q=0.5',
        'application/dicom+json; q=0.9, multipart/related; type="application/dicom+xml"; q=0.8',
      ])('is JSON for Accept: %s, also as query parameter', async (accept) => {
        const path = `${at('plain', sop.plain)}/metadata`;
        expect((await ask(path, accept)).type).toBe('application/dicom+json');
        const query = await ask(`${path}?accept=${encodeURIComponent(accept)}`, 'multipart/related');
        expect(query.type).toBe('application/dicom+json');
      });

      it.each([
        'application/json',
        'text/html, application/json;q=0.5',
        'application/json, application/dicom+json;q=0.9',
      ])('is named application/json for Accept: %s, with a tag of its own', async (accept) => {
        const path = `${at('plain', sop.plain)}/metadata`;
        const [plain, dicom] = [await ask(path, accept), await ask(path)];
        expect([plain.status, plain.type, dicom.type]).toEqual([
          200,
          'application/json',
          'application/dicom+json',
        ]);
        expect(plain.body.equals(dicom.body)).toBe(true);
        expect(plain.headers.get('vary')).toContain('Accept');
        expect(plain.headers.get('etag')).toMatch(/^W\/"/);
        expect(plain.headers.get('etag')).not.toBe(dicom.headers.get('etag'));
        expect((await ask(`/studies/${study}`, accept)).status).toBe(406);
      });
    });

    describe('bulk data', () => {
      it.each([
        ['00420011', filled(9)],
        ['00091001', filled(7)],
        ['00400275/1/00420011', filled(1)],
        ['00400275/2/00420011', filled(2)],
        ['00400275/2/00400008/1/00420011', filled(3)],
      ])('at %s is the value, by the address the metadata gives', async (path, value) => {
        const { text } = await metadata(at('plain', sop.plain));
        const address = `${world.gateway.url}/dicom-web${at('plain', sop.plain)}/bulk/${path}`;
        expect(text).toContain(`"BulkDataURI":"${address}"`);
        const single = await ask(address.split('/dicom-web')[1] ?? '', 'application/octet-stream');
        expect(single.type).toBe('application/octet-stream');
        expect(single.headers.get('content-length')).toBe('3000');
        expect(single.body.equals(value)).toBe(true);
        const multi = await ask(address.split('/dicom-web')[1] ?? '');
        const [part] = partsOf(multi.type, multi.body);
        expect(part?.body.equals(value)).toBe(true);
        expect(part?.headers['content-location']).toBe(address);
      });

      it('of pixels are the pixels of all frames, one part each when they are compressed', async () => {
        const { items } = await metadata(at('plain', sop.plain));
        const address = Bulk.parse(items[0]?.['7FE00010']).BulkDataURI;
        const plain = await ask(address.split('/dicom-web')[1] ?? '', 'application/octet-stream');
        expect(plain.status).toBe(200);
        const frames = await ask(`${at('plain', sop.plain)}/frames/1,2`);
        expect(
          plain.body.equals(Buffer.concat(partsOf(frames.type, frames.body).map((part) => part.body))),
        ).toBe(true);
        const accept = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';
        const rle = await ask(`${at('rle', sop.rle)}/bulk/7fe00010`, accept);
        const frame = await ask(`${at('rle', sop.rle)}/frames/1`, accept);
        expect(rle.status).toBe(200);
        expect(partsOf(rle.type, rle.body).map((part) => part.body)).toEqual(
          partsOf(frame.type, frame.body).map((part) => part.body),
        );
      });

      it.each(['00400275', '00400275/3/00420011', '00400275/1', '00420099', '00400275/2/00400008'])(
        'with an invalid path are refused: %s',
        async (path) => {
          expect([400, 404]).toContain((await ask(`${at('plain', sop.plain)}/bulk/${path}`)).status);
        },
      );

      it.each([
        '00400275/0/00420011',
        '0042-0011',
        '..%2f..%2fsystem',
        '00420011/',
        '0042001',
        '00420011%00',
      ])('by a malformed address are 400: %s', async (path) => {
        expect((await ask(`${at('plain', sop.plain)}/bulk/${path}`)).status).toBe(400);
      });

      it('are 406 as an image', async () => {
        expect((await ask(`${at('plain', sop.plain)}/bulk/00420011`, 'image/png')).status).toBe(406);
      });
    });

    describe('a rendered report', () => {
      it.each([undefined, 'application/pdf', 'text/html,application/xhtml+xml,*/*;q=0.8'])(
        'is its PDF for Accept: %s',
        async (accept) => {
          const { status, type, headers, body } = await ask(`${at('pdf', sop.pdf)}/rendered`, accept);
          expect([status, type]).toEqual([200, 'application/pdf']);
          // The document may be padded, and the file does not contain its length. So the response has no Content-Length.
          expect(headers.get('content-length')).toBeNull();
          expect(body.equals(document)).toBe(true);
        },
      );

      it('is 406 as an image, and so is an image as a report', async () => {
        expect((await ask(`${at('pdf', sop.pdf)}/rendered`, 'image/jpeg')).status).toBe(406);
        expect((await ask(`${at('plain', sop.plain)}/rendered`, 'application/pdf')).status).toBe(406);
      });
    });

    describe('frames of other encodings', () => {
      it.each([TransferSyntax.deflated, TransferSyntax.explicitBig, TransferSyntax.implicitLittle])(
        'come as little endian from a file in %s',
        async (transferSyntax) => {
          const [seriesUid, sopUid] = [freshUid(), freshUid()];
          const file = makeInstance({ ...base, seriesUid, sopUid, transferSyntax });
          await world.store(await world.machine(), [file]).expect(200);
          const path = `/studies/${study}/series/${seriesUid}/instances/${sopUid}`;
          const { status, type, body } = await ask(`${path}/frames/1`);
          expect(status).toBe(200);
          const same = await ask(`${at('plain', sop.second)}/frames/1`);
          const [part] = partsOf(type, body);
          const [expected] = partsOf(same.type, same.body);
          expect(part?.headers['content-type']).toBe(expected?.headers['content-type']);
          expect(part?.body.toString('hex')).toBe(expected?.body.toString('hex'));
        },
      );
    });

    it('a header of more than 1,000,000 elements is refused by STOW-RS, because it is larger than 4 MiB', async () => {
      const many = freshUid();
      const uids = { studyUid: many, seriesUid: freshUid(), sopUid: freshUid() };
      const item = Buffer.concat([
        Buffer.from('feff00e0', 'hex'),
        Buffer.from(Uint32Array.of(ELEMENTS * 8).buffer),
        ...Array.from({ length: ELEMENTS }, (_, at) =>
          Buffer.concat([Buffer.from(Uint16Array.of(0x11, 0x1000 + at).buffer), Buffer.from('US\0\0')]),
        ),
      ]);
      const value = Buffer.concat(Array.from({ length: ITEMS }, () => item));
      const extra = Array.from({ length: Math.ceil(1_000_000 / ELEMENTS / ITEMS) }, (_, at) => ({
        tag: `000910${(at + 16).toString(16).toUpperCase()}`,
        vr: 'SQ',
        value,
      }));
      const file = makeInstance({ ...uids, extra });
      const refused = await world.store(await world.machine(), [file]).expect(409);
      expect(told(refused).failed).toEqual({ [uids.sopUid]: 0xc000 });
    });
  });
}
