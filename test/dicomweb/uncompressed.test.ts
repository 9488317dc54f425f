import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DicomElement, freshUid, TransferSyntax } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { longForm } from '../support/long.form.ts';
import { type Caller, startWorld, type World } from '../support/world.ts';
import { byDcmtk } from './dcmtk.programs.ts';
import { encode, freshUids, nativeFile, pixels } from './wado.encodings.ts';
import { partsOf } from './wado.reading.ts';
import { type Ask, askerOf } from './wado.world.ts';

const { explicitLittle, implicitLittle, explicitBig, deflated } = TransferSyntax;
const TARGETS = [explicitLittle, implicitLittle] as const;
const study = freshUid();
let world: World;
let sender: Caller;
let ask: Ask;
beforeAll(async () => {
  world = await startWorld({ KEEP_TIFF_PREAMBLE: 'true' });
  sender = await world.machine();
  await world.store(sender, [nativeFile(pixels.grey8, freshUids(study))]).expect(200);
  ask = askerOf(world, await world.radiologist(study));
});
afterAll(() => world?.stop());

/** Attributes that the archive's transcoder adds, changes or loses, and attributes that each encoding writes differently. */
const delicate: readonly DicomElement[] = [
  element('00081110', 'SQ', { items: [[], [element('00081150', 'UI', '1.2.3')], []] }),
  element('00081140', 'SQ', { items: [[element('00081150', 'UI', '1.2.3'), nested(3)]] }),
  element('0008114A', 'SQ', { items: [[]] }),
  element('00090010', 'LO', 'RADGATE TEST'),
  element('00091001', 'LO', 'private'),
  element('00104000', 'LT', ' of \\ several  \\\\ lines '),
  element('00189073', 'FD', [1.25]),
  element('00200032', 'DS', ''),
  element('00280009', 'AT', [0x00181063]),
  element('00280106', 'US', [7]),
  element('00281054', 'LO', 'US'),
  element('0040A160', 'UT', 'x'.repeat(70_000)),
  element('00660016', 'OF', Buffer.alloc(0)),
];

function nested(depth: number): DicomElement {
  const inner = depth === 0 ? element('00080100', 'SH', 'deep') : nested(depth - 1);
  return element('00081199', 'SQ', { items: [[inner], [element('00189074', 'DT', '20240101')]] });
}

/** The data set as DCMTK writes it, with explicit lengths of sequences and without group lengths. */
async function normal(file: Buffer, transferSyntax: string): Promise<Buffer> {
  const form = transferSyntax === implicitLittle ? '+ti' : '+te';
  const written = await byDcmtk('dcmconv', [form, '+e', '-g', '-p'], file);
  return written.subarray(132 + 12 + written.readUInt32LE(140));
}

type Uids = ReturnType<typeof freshUids>;
const at = ({ studyUid, seriesUid, sopUid }: Uids) =>
  `/studies/${studyUid}/series/${seriesUid}/instances/${sopUid}`;

/** Retrieves the instance in a transfer syntax as a single body. Checks that multipart returns the same bytes. */
async function fileIn(transferSyntax: string, uids: Uids): Promise<Buffer> {
  const { status, body } = await ask(at(uids), `application/dicom; transfer-syntax=${transferSyntax}`);
  expect(status).toBe(200);
  const type = `multipart/related; type="application/dicom"; transfer-syntax=${transferSyntax}`;
  const parts = await ask(at(uids), type);
  const [part] = partsOf(parts.type, parts.body);
  expect(part?.headers['content-type']).toBe(`application/dicom; transfer-syntax=${transferSyntax}`);
  expect(part?.body.equals(body)).toBe(true);
  return body;
}

/** All targets. In `npm test`, only one of them. */
const targetsOf = (only: (typeof TARGETS)[number]) => longForm<readonly string[]>(TARGETS, [only]);

describe.each([
  ['Explicit VR Little Endian', explicitLittle, implicitLittle],
  ['Implicit VR Little Endian', implicitLittle, explicitLittle],
  ['Deflated', deflated, explicitLittle],
  ['Explicit VR Big Endian', explicitBig, implicitLittle],
] as const)('an uncompressed file in %s', (_, stored, only) => {
  it.each(targetsOf(only))('comes in %s with every value as it was stored, and none more', async (target) => {
    const uids = freshUids(study);
    const file = makeInstance({
      ...uids,
      patientId: 'ENC-1',
      transferSyntax: stored,
      extra: [...delicate, element('FFFCFFFC', 'OB', Buffer.alloc(6))],
    });
    await world.store(sender, [file]).expect(200);
    const body = await fileIn(target, uids);
    expect((await normal(body, target)).equals(await normal(file, target))).toBe(true);
  });
});

describe.each([
  ['JPEG lossless SV1', explicitLittle],
  ['JPEG-LS', implicitLittle],
  ['RLE', explicitLittle],
] as const)('a file compressed as %s', (encoder, only) => {
  const decoders = { 'JPEG lossless SV1': 'dcmdjpeg', 'JPEG-LS': 'dcmdjpls', RLE: 'dcmdrle' };
  it.each(targetsOf(only))('comes in %s as DCMTK decodes it, bit for bit', async (target) => {
    const uids = freshUids(study);
    const file = nativeFile(
      { ...pixels.grey16, extra: [...delicate, element('FFFCFFFC', 'OB', Buffer.alloc(6))] },
      uids,
    );
    const compressed = await encode(encoder, file);
    await world.store(sender, [compressed]).expect(200);
    const decoded = await byDcmtk(decoders[encoder], [], compressed);
    const body = await fileIn(target, uids);
    expect((await normal(body, target)).equals(await normal(decoded, target))).toBe(true);
  });
});

describe('a file compressed as nobody does any more (JPEG spectral selection)', () => {
  it('is there as stored, its frames as octets, also as bulk data', async () => {
    const uids = freshUids(study);
    const file = await byDcmtk('dcmcjpeg', ['+es', '+un'], nativeFile(pixels.grey8, uids));
    await world.store(sender, [file]).expect(200);
    const accept = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';
    const frames = await ask(`${at(uids)}/frames/1,2,3`, accept);
    const bulk = await ask(`${at(uids)}/bulk/7FE00010`, accept);
    const parts = partsOf(frames.type, frames.body).map(({ body }) => body);
    expect(parts.every((part) => file.includes(part) && part.readUInt16BE(0) === 0xffd8)).toBe(true);
    expect(partsOf(bulk.type, bulk.body).map(({ body }) => body)).toEqual(parts);
    expect((await ask(`${at(uids)}/frames/1`, 'application/octet-stream')).status).toBe(406);
    const decoded = `application/dicom; transfer-syntax=${explicitLittle}`;
    expect((await ask(at(uids), decoded)).status).toBe(406);
  });
});

describe('where files that are TIFFs as well are allowed (KEEP_TIFF_PREAMBLE)', () => {
  it.each([
    ['a TIFF', '49492a0008000000', true],
    ['a big endian TIFF', '4d4d002a00000008', true],
    ['a BigTIFF', '49492b0008000000', true],
    ['a program', '4d5a900003000000', false],
    ['almost a TIFF', '4949002a08000000', false],
  ])('the preamble of %s stays, or is zeroed', async (_, beginning, stays) => {
    const uids = freshUids(study);
    const file = nativeFile(pixels.grey8, uids);
    const dual = Buffer.from(file);
    Buffer.from(beginning.padEnd(256, '01'), 'hex').copy(dual);
    await world.store(sender, [dual]).expect(200);
    const { body } = await ask(at(uids), 'application/dicom');
    expect(body.equals(stays ? dual : file)).toBe(true);
    await world.store(sender, [file]).expect(200);
  });
});
