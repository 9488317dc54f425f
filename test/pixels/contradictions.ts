import type { DicomElement } from '../../infra/demo/dicom.elements.ts';
import { element } from '../../infra/demo/dicom.writer.ts';
import type { TestImage } from './rendering.ts';

const short = (tag: string, value: number) => element(tag, 'US', [value]);
const bytes = Buffer.alloc(96, 9);
const colour = { photometric: 'RGB', samples: 3, planar: 0, bytes };
const palette = { photometric: 'PALETTE COLOR', bytes };
const tables = (data: DicomElement[]) => ({
  ...palette,
  extra: [...[1, 2, 3].map((one) => element(`0028110${one}`, 'US', [256, 0, 16])), ...data],
});

/** Headers that contradict themselves or their pixels. Some of them end the process of an archive that decodes them. */
export const contradictions: readonly (readonly [name: string, image: TestImage])[] = [
  [
    '16000 x 16000 pixels of 96 bytes',
    { bytes, extra: [short('00280010', 16_000), short('00280011', 16_000)] },
  ],
  ['65535 x 65535 pixels', { bytes, extra: [short('00280010', 65_535), short('00280011', 65_535)] }],
  ['more frames than pixels', { bytes, extra: [element('00280008', 'IS', '2')] }],
  ['a billion frames', { bytes, extra: [element('00280008', 'IS', '1000000000')] }],
  ['no pixels', { bytes: Buffer.alloc(0), columns: 4 }],
  ['Rows 0', { bytes, extra: [short('00280010', 0)] }],
  ['Columns 0', { bytes, extra: [short('00280011', 0)] }],
  ['Bits Allocated 12', { bytes, extra: [short('00280100', 12)] }],
  ['Bits Allocated 64', { bytes, extra: [short('00280100', 64)] }],
  ['Bits Stored 9 of 8', { bytes, extra: [short('00280101', 9)] }],
  ['Bits Stored 0', { bytes, extra: [short('00280101', 0), short('00280102', 0)] }],
  ['High Bit 8 of 8', { bytes, extra: [short('00280102', 8)] }],
  ['High Bit below Bits Stored', { bytes, extra: [short('00280102', 5)] }],
  ['grey with 3 samples', { bytes, extra: [short('00280002', 3)] }],
  ['RGB with 1 sample', { ...colour, extra: [short('00280002', 1)] }],
  ['RGB with 4 samples', { ...colour, extra: [short('00280002', 4)] }],
  ['Planar Configuration 2', { ...colour, extra: [short('00280006', 2)] }],
  ['signed colours', { ...colour, signed: true }],
  ['colours of 32 bits', { ...colour, allocated: 32 }],
  ['colours of 1 bit', { ...colour, allocated: 1 }],
  ['YBR_FULL of 16 bits', { ...colour, photometric: 'YBR_FULL', allocated: 16 }],
  ['YBR_FULL_422 in planes', { ...colour, photometric: 'YBR_FULL_422', planar: 1 }],
  ['YBR_FULL_422 with odd columns', { ...colour, photometric: 'YBR_FULL_422', columns: 15 }],
  ['ARGB', { ...colour, photometric: 'ARGB' }],
  ['no Photometric Interpretation', { bytes, photometric: '' }],
  ['YBR_RCT without compression', { ...colour, photometric: 'YBR_RCT' }],
  ['floating point of 16 bits', { bytes, allocated: 16, pixelData: ['7FE00008', 'OF'] }],
  ['palette without tables', palette],
  ['palette without data', tables([])],
  [
    'palette shorter than its descriptor',
    tables([1, 2, 3].map((one) => element(`0028120${one}`, 'OW', [1, 2]))),
  ],
  ['segments that end early', tables([1, 2, 3].map((one) => element(`0028122${one}`, 'OW', [0, 9, 1])))],
  [
    'segments that are too long',
    tables([1, 2, 3].map((one) => element(`0028122${one}`, 'OW', [0, 1, 5, 1, 999, 7]))),
  ],
  [
    'segments that refer in circles',
    tables([1, 2, 3].map((one) => element(`0028122${one}`, 'OW', [2, 1, 0, 0]))),
  ],
  [
    'empty segments without end',
    tables([1, 2, 3].map((one) => element(`0028122${one}`, 'OW', Array(60_000).fill(0)))),
  ],
  ['palette indexes of 32 bits', { ...palette, allocated: 32 }],
  [
    'compressed pixels in an uncompressed file',
    { bytes, extra: [{ tag: '7FE00010', vr: 'OB', value: { fragments: [bytes] } }] },
  ],
];
