import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freshUid, TransferSyntax } from '../../infra/demo/dicom.elements.ts';
import { SopClass } from '../../infra/demo/dicom.writer.ts';
import { longForm, sample } from '../support/long.form.ts';
import type { Caller, World } from '../support/world.ts';
import { expectedExtended, rgbOf, writtenExtended } from '../pixels/jpeg.extended.encoder.ts';
import { bytesOf } from '../pixels/made.frames.ts';
import { testFile } from '../pixels/rendering.ts';
import { byDcmtk } from './dcmtk.programs.ts';
import {
  difference,
  encode,
  encoders,
  encodedFrameOf,
  freshUids,
  type Kind,
  nativeFile,
  type Pixels,
  pixels,
} from './wado.encodings.ts';
import { partsOf } from './wado.reading.ts';
import { type Ask, askerOf } from './wado.world.ts';

const ELE = TransferSyntax.explicitLittle;

const study = freshUid();

/** The number of frames that are decoded at the same time. */
const FRAMES = longForm(200, 30);

let world: World;

let sender: Caller;

let ask: Ask;

let orthanc: number;

async function store(file: Buffer): Promise<void> {
  await world.store(sender, [file]).expect(200);
}

type Uids = ReturnType<typeof freshUids>;

const at = ({ studyUid, seriesUid, sopUid }: Uids) =>
  `/studies/${studyUid}/series/${seriesUid}/instances/${sopUid}`;

async function uncompressed(path: string, of: Pixels, interleaved: boolean): Promise<number> {
  const numbers = Array.from({ length: of.frames }, (_, index) => index + 1);
  const { status, type, body } = await ask(
    `${path}/frames/${numbers.join(',')}`,
    `multipart/related; type="application/octet-stream"`,
  );
  expect(status).toBe(200);
  const parts = partsOf(type, body);
  for (const part of parts)
    expect(part.headers['content-type']).toBe(`application/octet-stream; transfer-syntax=${ELE}`);
  const differences = numbers.map((number, index) =>
    difference(parts[index]?.body ?? Buffer.alloc(0), encodedFrameOf(of, number, interleaved)),
  );
  return Math.max(...differences);
}

const kinds: readonly Kind[] = ['grey8', 'grey16', 'signed16', 'inverse', 'rgb', 'planes', 'palette', 'bits'];

const lossless = ['JPEG lossless', 'JPEG lossless SV1', 'JPEG-LS', 'RLE'] as const;

const compressible = ['grey8', 'grey16', 'signed16', 'inverse', 'rgb', 'planes', 'palette'] as const;

// DCMTK's JPEG encoder mixes up the colour planes if there are several frames.
const ofEncoder = (encoder: string) =>
  compressible.filter((kind) => kind !== 'planes' || !encoder.startsWith('JPEG lossless'));

/** Lets the archive compress a file. Stores the file, exports it with other UIDs, and then deletes it. */
async function byArchive(file: Buffer, uids: Uids, syntax: string): Promise<Buffer> {
  const { username, password, url } = world.orthanc;
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const post = (path: string, body: Buffer | string) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { authorization },
      body: new Uint8Array(Buffer.from(body)),
    });
  const { ID } = z.object({ ID: z.string() }).parse(await (await post('/instances', file)).json());
  const replace = {
    SOPInstanceUID: uids.sopUid,
    SeriesInstanceUID: uids.seriesUid,
    StudyInstanceUID: uids.studyUid,
  };
  const answer = await post(
    `/instances/${ID}/modify`,
    JSON.stringify({ Replace: replace, Force: true, Transcode: syntax }),
  );
  expect(answer.status).toBe(200);
  await fetch(`${url}/instances/${ID}`, { method: 'DELETE', headers: { authorization } });
  return Buffer.from(await answer.arrayBuffer());
}

/** Lossy compression makes a new instance with a new UID. */
function sopOf(file: Buffer): string {
  return uidIn(file, [8, 0, 0x18, 0]);
}

function seriesOf(file: Buffer): string {
  return uidIn(file, [0x20, 0, 0x0e, 0]);
}

function uidIn(file: Buffer, tag: readonly number[]): string {
  const at = file.lastIndexOf(Buffer.from([...tag, 0x55, 0x49]));
  return file.toString('latin1', at + 8, at + 8 + file.readUInt16LE(at + 6)).replace(/\0$/, '');
}

/** The scenarios of pixels that the archive decodes. */
export function registerTranscoding(shared: () => World): void {
  describe('transcoding', () => {
    beforeAll(async () => {
      world = shared();
      sender = await world.machine();
      // The study must exist before a reader can get a grant for it.
      await store(nativeFile(pixels.grey8, freshUids(study)));
      ask = askerOf(world, await world.radiologist(study));
      orthanc = world.orthanc.pid;
    });

    describe('uncompressed frames', () => {
      it.each(kinds)('of %s are those that were stored, each on its own and together', async (kind) => {
        const of: Pixels = pixels[kind];
        const uids = freshUids(study);
        await store(nativeFile(of, uids));
        expect(await uncompressed(at(uids), of, false)).toBe(0);
        for (let number = of.frames; number >= 1; number -= 1) {
          const { body, headers } = await ask(`${at(uids)}/frames/${number}`, 'application/octet-stream');
          expect(difference(body, encodedFrameOf(of, number)), `frame ${number}`).toBe(0);
          expect(headers.get('content-length')).toBe(String(body.length));
        }
        if (of.frames > 2) {
          const { type, body } = await ask(`${at(uids)}/frames/3,1,2,2`);
          expect(partsOf(type, body).map((part) => part.body)).toEqual(
            [3, 1, 2, 2].map((n) => encodedFrameOf(of, n)),
          );
        }
      });

      it.each([TransferSyntax.deflated, TransferSyntax.implicitLittle])(
        'of one bit come from a file in %s',
        async (syntax) => {
          const uids = freshUids(study);
          await store(nativeFile(pixels.bits, uids, syntax));
          expect(await uncompressed(at(uids), pixels.bits, false)).toBe(0);
        },
      );
    });

    describe.each(lossless)('pixels in %s', (encoder) => {
      it.each(sample(ofEncoder(encoder), 2))('of %s come back uncompressed, bit for bit', async (kind) => {
        const of: Pixels = pixels[kind];
        const uids = freshUids(study);
        await store(await encode(encoder, nativeFile(of, uids)));
        expect(await uncompressed(at(uids), of, true)).toBe(0);
        const single = await ask(
          `${at(uids)}/frames/${of.frames}`,
          `application/octet-stream; transfer-syntax=${ELE}`,
        );
        expect(difference(single.body, encodedFrameOf(of, of.frames, true))).toBe(0);
      });

      it('come as stored to whoever takes that, even where octets are taken as well', async () => {
        const uids = freshUids(study);
        await store(await encode(encoder, nativeFile(pixels.grey16, uids)));
        const { transferSyntax } = encoders[encoder];
        const stored = await ask(
          `${at(uids)}/frames/1`,
          'multipart/related; type="application/octet-stream"; transfer-syntax=*',
        );
        const [frame] = partsOf(stored.type, stored.body);
        expect(frame?.headers['content-type']).toBe(
          `application/octet-stream; transfer-syntax=${transferSyntax}`,
        );
        const both = await ask(
          `${at(uids)}/frames/1`,
          'multipart/related; type="application/octet-stream", multipart/related; type="image/*"; transfer-syntax=*',
        );
        const [part] = partsOf(both.type, both.body);
        expect(part?.headers['content-type']).toMatch(
          new RegExp(`^image/[a-z-]+; transfer-syntax=${transferSyntax}$`),
        );
        expect(part?.body.equals(frame?.body ?? Buffer.alloc(0))).toBe(true);
        const octetsFirst = await ask(
          `${at(uids)}/frames/1`,
          'multipart/related; type="application/octet-stream", multipart/related; type="image/*"; transfer-syntax=*; q=0.5',
        );
        expect(
          partsOf(octetsFirst.type, octetsFirst.body)[0]?.body.equals(encodedFrameOf(pixels.grey16, 1)),
        ).toBe(true);
      });
    });

    describe.each(sample(['1.2.840.10008.1.2.4.90', '1.2.840.10008.1.2.4.91'], 1))(
      'JPEG 2000 made by the archive (%s)',
      (syntax) => {
        it.each(sample(['grey8', 'grey16', 'signed16', 'rgb'] as const, 2))(
          'gives back %s, and the archive lives',
          async (kind) => {
            const of: Pixels = pixels[kind];
            const file = await byArchive(nativeFile(of, freshUids(study)), freshUids(study), syntax);
            await store(file);
            const uids = { studyUid: study, seriesUid: seriesOf(file), sopUid: sopOf(file) };
            expect(await uncompressed(at(uids), of, true)).toBe(0);
            const stored = await ask(`${at(uids)}/frames/1`, 'multipart/related; type="image/jp2"');
            expect(stored.status).toBe(200);
            expect((await ask(`${at(uids)}/rendered`)).status).toBe(200);
          },
        );

        it(`survives ${FRAMES} frames at once`, async () => {
          const file = await byArchive(nativeFile(pixels.grey16, freshUids(study)), freshUids(study), syntax);
          await store(file);
          const uids = { studyUid: study, seriesUid: seriesOf(file), sopUid: sopOf(file) };
          const asked = Array.from({ length: FRAMES }, (_, index) =>
            ask(`${at(uids)}/frames/${(index % 2) + 1}`, 'application/octet-stream'),
          );
          for (const { status } of await Promise.all(asked)) expect(status).toBe(200);
          expect(world.orthanc.pid).toBe(orthanc);
          expect((await world.archive('/system')).status).toBe(200);
        });
      },
    );

    describe('lossy pixels', () => {
      it.each([
        ['JPEG baseline (lossy)', 'grey8', 40],
        ['JPEG extended (lossy)', 'grey8', 40],
        ['JPEG baseline (lossy)', 'rgb', 160],
        ['JPEG-LS (near lossless)', 'grey8', 2],
      ] as const)('in %s of %s are decoded to about what they were', async (encoder, kind, most) => {
        const of: Pixels = pixels[kind];
        const uids = freshUids(study);
        const file = await encode(encoder, nativeFile(of, uids));
        await store(file);
        // Lossy compression makes a new instance.
        expect(await uncompressed(at({ ...uids, sopUid: sopOf(file) }), of, true)).toBeLessThanOrEqual(most);
      });
    });

    describe('files', () => {
      it.each([
        ['RLE', ELE],
        ['JPEG-LS', ELE],
        ['JPEG lossless SV1', ELE],
        ['JPEG lossless SV1', TransferSyntax.implicitLittle],
      ] as const)('in %s come in %s when that is asked', async (encoder, syntax) => {
        const uids = freshUids(study);
        await store(await encode(encoder, nativeFile(pixels.grey16, uids)));
        const { status, body } = await ask(at(uids), `application/dicom; transfer-syntax=${syntax}`);
        expect(status).toBe(200);
        expect(body.toString('latin1', 132, 500)).toMatch(new RegExp(`UI..${syntax}\\0?\\x02`, 's'));
        expect(body.includes(uids.sopUid)).toBe(true);
        expect(body.subarray(-pixels.grey16.bytes.length).equals(Buffer.from(pixels.grey16.bytes))).toBe(
          true,
        );
        const parts = await ask(
          `/studies/${study}/series/${uids.seriesUid}`,
          `multipart/related; type="application/dicom"; transfer-syntax=${syntax}`,
        );
        const [part] = partsOf(parts.type, parts.body);
        expect(part?.headers['content-type']).toBe(`application/dicom; transfer-syntax=${syntax}`);
        expect(part?.body.equals(body)).toBe(true);
      });

      it('of an image with loss say so, whatever the stored file says', async () => {
        const uids = freshUids(study);
        const file = await encode('JPEG baseline (lossy)', nativeFile(pixels.grey8, uids));
        const silent = Buffer.from(
          file.toString('latin1').replace('(\0\x10!CS\x02\x0001', '(\0\x10!CS\x02\x0000'),
          'latin1',
        );
        expect(silent.equals(file)).toBe(false);
        await store(silent);
        for (const syntax of [ELE, '1.2.840.10008.1.2.4.80']) {
          const path = at({ ...uids, sopUid: sopOf(file) });
          const { status, body } = await ask(path, `application/dicom; transfer-syntax=${syntax}`);
          const lossy = body.indexOf(Buffer.from('2800102143530200', 'hex'));
          expect([status, body.toString('latin1', lossy + 8, lossy + 10)]).toEqual([200, '01']);
        }
      });

      it('without a named transfer syntax are in Explicit VR Little Endian, and with * as stored', async () => {
        const uids = freshUids(study);
        const stored = await encode('RLE', nativeFile(pixels.grey16, uids));
        await store(stored);
        const { body } = await ask(at(uids), `application/dicom; transfer-syntax=${ELE}`);
        const series = `/studies/${study}/series/${uids.seriesUid}`;
        const parts = 'multipart/related; type="application/dicom"';
        const first = async (path: string, accept?: string) => {
          const answer = await ask(path, accept);
          const isOne = answer.type === 'application/dicom';
          return isOne ? answer.body : partsOf(answer.type, answer.body)[0]?.body;
        };
        expect(await first(at(uids), 'application/dicom')).toEqual(body);
        expect(await first(at(uids), parts)).toEqual(body);
        expect(await first(series, parts)).toEqual(body);
        for (const accept of [undefined, '*/*', 'multipart/related', `${parts}; transfer-syntax=*`])
          expect(await first(series, accept)).toEqual(stored);
        expect(await first(at(uids), 'application/*')).toEqual(stored);
        const both = `${parts}, ${parts}; transfer-syntax=*`;
        expect(await first(series, both)).toEqual(stored);
        expect(await first(series, `${parts}, ${parts}; transfer-syntax=*; q=0.9`)).toEqual(body);
      });

      it.each(['1.2.840.10008.1.2.4.50', '1.2.840.10008.1.2.4.100', '1.2.3'])(
        'are not available in %s if they are stored in another one',
        async (syntax) => {
          const uids = freshUids(study);
          await store(nativeFile(pixels.inverse, uids));
          expect((await ask(at(uids), `application/dicom; transfer-syntax=${syntax}`)).status).toBe(406);
          const frames = `multipart/related; type="application/octet-stream"; transfer-syntax=${syntax}`;
          expect((await ask(`${at(uids)}/frames/1`, frames)).status).toBe(406);
          expect(world.orthanc.pid).toBe(orthanc);
          expect((await world.archive('/system')).status).toBe(200);
        },
      );

      it('in what the archive cannot decode are there as stored only', async () => {
        const uids = freshUids(study);
        const fragments = [Buffer.alloc(500, 3)];
        const htj2k = '1.2.840.10008.1.2.4.201';
        await store(
          nativeFile(
            { ...pixels.inverse, extra: [{ tag: '7FE00010', vr: 'OB', value: { fragments } }] },
            uids,
            htj2k,
          ),
        );
        const stored = await ask(`${at(uids)}/frames/1`, 'multipart/related; type="image/jphc"');
        expect(partsOf(stored.type, stored.body)[0]?.body.equals(fragments[0]!)).toBe(true);
        for (const [path, accept] of [
          [at(uids), `application/dicom; transfer-syntax=${ELE}`],
          [at(uids), 'application/dicom'],
          [`${at(uids)}/frames/1`, 'application/octet-stream'],
          [`${at(uids)}/rendered`, 'image/jpeg'],
          [`${at(uids)}/thumbnail`, undefined],
        ] as const)
          expect((await ask(path, accept)).status, path).toBe(406);
      });

      it('that are broken inside are 406 when decoded, and the archive lives', async () => {
        for (const syntax of [
          '1.2.840.10008.1.2.4.50',
          '1.2.840.10008.1.2.4.80',
          '1.2.840.10008.1.2.4.90',
          '1.2.840.10008.1.2.5',
        ]) {
          const uids = freshUids(study);
          const value = { fragments: [Buffer.alloc(500, 3)] };
          await store(
            nativeFile({ ...pixels.inverse, extra: [{ tag: '7FE00010', vr: 'OB', value }] }, uids, syntax),
          );
          expect((await ask(`${at(uids)}/frames/1`, 'application/octet-stream')).status, syntax).toBe(406);
          expect((await ask(`${at(uids)}/rendered`)).status, syntax).toBe(406);
          expect((await ask(`${at(uids)}/frames/1`, '*/*')).status, syntax).toBe(200);
        }
        expect(world.orthanc.pid).toBe(orthanc);
        expect((await world.archive('/system')).status).toBe(200);
      });
    });

    it.each(['RGB', 'YBR_FULL', 'YBR_FULL_422'] as const)(
      'JPEG colours of 12 bits (%s) are RGB when decoded, rendered and converted',
      async (photometric) => {
        const uids = freshUids(study);
        const form = { rows: 29, columns: 35, factors: [[2, 1] as const, [1, 1] as const, [1, 1] as const] };
        const value = { fragments: [writtenExtended(form)] };
        const image = {
          photometric,
          samples: 3,
          planar: 0,
          rows: 29,
          columns: 35,
          allocated: 16,
          stored: 12,
        };
        const extra = [{ tag: '7FE00010', vr: 'OB', value }];
        const transferSyntax = '1.2.840.10008.1.2.4.51';
        const file = { ...image, bytes: Buffer.alloc(0), extra, transferSyntax };
        await store(testFile(file, { ...uids, patientId: 'ENC-1' }));
        const { status, body } = await ask(`${at(uids)}/frames/1`, 'application/octet-stream');
        const values = expectedExtended(form);
        const expected = bytesOf(photometric === 'RGB' ? values : rgbOf(values).map(Math.round), 2);
        expect([status, body.length]).toEqual([200, expected.length]);
        const most = body.reduce(
          (largest, _, byte) =>
            byte % 2 === 1
              ? largest
              : Math.max(
                  largest,
                  Math.abs(body.readUInt16LE(byte) - Buffer.from(expected).readUInt16LE(byte)),
                ),
          0,
        );
        expect(most).toBeLessThanOrEqual(1);
        for (const path of ['/rendered', '/thumbnail'])
          expect((await ask(`${at(uids)}${path}`)).status, path).toBe(200);
        const converted = await ask(at(uids), `application/dicom; transfer-syntax=${ELE}`);
        expect(converted.status).toBe(200);
        expect(converted.body.subarray(-body.length).equals(body)).toBe(true);
        expect(converted.body.includes(Buffer.from('CS\x04\x00RGB '))).toBe(true);
      },
    );

    it.each([
      ['RLE', 'inverse'],
      ['JPEG-LS', 'signed16'],
      ['JPEG lossless SV1', 'palette'],
      ['JPEG baseline (lossy)', 'rgb'],
    ] as const)(
      'pixels that would end the archive are decoded by the gateway (%s of %s)',
      async (encoder, kind) => {
        const file = await encode(
          encoder,
          nativeFile(pixels[kind], freshUids(study), ELE, SopClass.multiframeWord),
        );
        await store(file);
        const uids = { studyUid: study, seriesUid: seriesOf(file), sopUid: sopOf(file) };
        const most = encoder === 'JPEG baseline (lossy)' ? 160 : 0;
        expect(await uncompressed(at(uids), pixels[kind], true)).toBeLessThanOrEqual(most);
        const from = world.gateway.upstream?.requests.length ?? 0;
        for (const path of ['rendered', 'thumbnail', 'frames/1/rendered'])
          expect((await ask(`${at(uids)}/${path}`)).status).toBe(200);
        const { status, body } = await ask(at(uids), `application/dicom; transfer-syntax=${ELE}`);
        expect([status, body.toString('latin1', 132, 500).includes(ELE)]).toEqual([200, true]);
        const asked = world.gateway.upstream?.requests.slice(from) ?? [];
        expect(asked.filter((one) => /transcode|rendered/.test(one))).toEqual([]);
      },
    );

    describe('compressed for the client', () => {
      const targets = [
        ['1.2.840.10008.1.2.5', 'image/dicom-rle', 'dcmdrle'],
        ['1.2.840.10008.1.2.4.80', 'image/jls', 'dcmdjpls'],
        ['1.2.840.10008.1.2.4.70', 'image/jpeg', 'dcmdjpeg'],
        ['1.2.840.10008.1.2.4.90', 'image/jp2', undefined],
        ['1.2.840.10008.1.2.4.201', 'image/jphc', undefined],
      ] as const;

      it.each(targets)('files and frames in %s have the stored values', async (syntax, type, program) => {
        for (const kind of sample(compressible, 3)) {
          const of: Pixels = pixels[kind];
          const uids = freshUids(study);
          await store(nativeFile(of, uids));
          const file = await ask(at(uids), `application/dicom; transfer-syntax=${syntax}`);
          expect([kind, file.status]).toEqual([kind, 200]);
          expect(file.body.toString('latin1', 132, 500)).toMatch(new RegExp(`UI..${syntax}\\0?\\x02`, 's'));
          const numbers = Array.from({ length: of.frames }, (_, index) => index + 1);
          const frames = await ask(
            `${at(uids)}/frames/${numbers.join(',')}`,
            `multipart/related; type="${type}"; transfer-syntax=${syntax}`,
          );
          const parts = partsOf(frames.type, frames.body);
          expect(parts.map((part) => part.headers['content-type'])).toEqual(
            numbers.map(() => `${type}; transfer-syntax=${syntax}`),
          );
          // Each fragment of the file is a frame.
          for (const part of parts) expect(file.body.includes(part.body)).toBe(true);
          const last = uids.sopUid.at(-1) === '1' ? '2' : '1';
          const other = `${uids.sopUid.slice(0, -1)}${last}`;
          await store(Buffer.from(file.body.toString('latin1').replaceAll(uids.sopUid, other), 'latin1'));
          const again = at({ ...uids, sopUid: other });
          expect(await uncompressed(again, of, true)).toBe(0);
          if (program === undefined) continue;
          const decoded = await byDcmtk(program, [], file.body);
          expect(decoded.includes(encodedFrameOf(of, of.frames, kind !== 'planes'))).toBe(true);
        }
      });

      it('a media type alone means its default transfer syntax', async () => {
        const uids = freshUids(study);
        await store(nativeFile(pixels.inverse, uids));
        for (const [syntax, type] of targets) {
          const { headers, body } = await ask(`${at(uids)}/frames/1`, type);
          expect(headers.get('content-type')).toBe(`${type}; transfer-syntax=${syntax}`);
          const octets = `application/octet-stream; transfer-syntax=${syntax}`;
          const same = await ask(`${at(uids)}/frames/1`, octets);
          expect([same.headers.get('content-type'), same.body.equals(body)]).toEqual([octets, true]);
        }
      });

      it('a compressed image gets another compression, and a series is converted as a whole', async () => {
        const uids = freshUids(study);
        await store(await encode('RLE', nativeFile(pixels.rgb, uids)));
        const other = freshUid();
        await store(nativeFile(pixels.grey8, { ...uids, sopUid: other }));
        const jls = '1.2.840.10008.1.2.4.80';
        const { status, type, body } = await ask(
          `/studies/${study}/series/${uids.seriesUid}`,
          `multipart/related; type="application/dicom"; transfer-syntax=${jls}`,
        );
        expect(status).toBe(200);
        const parts = partsOf(type, body);
        expect(parts.map((part) => part.headers['content-type'])).toEqual([
          `application/dicom; transfer-syntax=${jls}`,
          `application/dicom; transfer-syntax=${jls}`,
        ]);
      });

      it('an object without such pixels is 406', async () => {
        const uids = freshUids(study);
        await store(nativeFile(pixels.bits, uids));
        for (const [syntax, type] of targets) {
          expect((await ask(at(uids), `application/dicom; transfer-syntax=${syntax}`)).status).toBe(406);
          expect((await ask(`${at(uids)}/frames/1`, type)).status).toBe(406);
        }
      });
    });

    describe('bulk data of compressed pixels', () => {
      it('is one value when it is decoded', async () => {
        const uids = freshUids(study);
        await store(await encode('JPEG-LS', nativeFile(pixels.grey8, uids)));
        const { body } = await ask(`${at(uids)}/bulk/7FE00010`, 'application/octet-stream');
        expect(body.subarray(0, pixels.grey8.bytes.length).equals(Buffer.from(pixels.grey8.bytes))).toBe(
          true,
        );
        const multi = await ask(
          `${at(uids)}/bulk/7FE00010`,
          'multipart/related; type="application/octet-stream"',
        );
        const [part, ...more] = partsOf(multi.type, multi.body);
        expect(part?.body.equals(body)).toBe(true);
        expect(more).toEqual([]);
      });
    });
  });
}
