import { DEMO_ISSUER } from '../../infra/demo/demo.objects.ts';
import { type DicomElement, freshUid, TransferSyntax } from '../../infra/demo/dicom.elements.ts';
import { pdfObject } from '../../infra/demo/dicom.makers.ts';
import type { DemoStudy } from '../../infra/demo/dicom.modules.ts';
import { element } from '../../infra/demo/dicom.writer.ts';
import { makeMrSlice } from '../../infra/demo/mr.maker.ts';
import { CORONAL, paintMrSlice } from '../../infra/demo/mr.phantom.ts';
import { makePdf } from '../../infra/demo/pdf.maker.ts';
import { ABDOMEN, abdomenSlice } from '../../infra/demo/phantom.ts';
import { PHOTOGRAPH, photograph } from '../../infra/demo/photograph.phantom.ts';
import { structuredReport } from '../../infra/demo/report.maker.ts';
import { cineObject } from '../../infra/demo/ultrasound.maker.ts';
import { cineFrames } from '../../infra/demo/ultrasound.phantom.ts';
import { byDcmtk } from '../dicomweb/dcmtk.programs.ts';
import { encodedHtj2k } from '../pixels/htj2k.encoder.ts';
import { encodedJpegLs } from '../pixels/jpeg.ls.encoder.ts';
import { encodedJpegXl } from '../pixels/jpeg.xl.encoder.ts';
import { encodedJpeg2000 } from '../pixels/jpeg2000.encoder.ts';
import { type TestImage, testFile } from '../pixels/rendering.ts';

/** A study with one object. */
export interface ViewedObject {
  readonly title: string;
  readonly studyUid: string;
  readonly file: Buffer;
}

const { rows, columns } = ABDOMEN;
const SLICE = 8;
/** Hounsfield units plus 1024: 12 bits. */
const values = Array.from(abdomenSlice(SLICE), (value) => Math.max(0, Math.min(4095, value + 1024)));
const words = Buffer.from(Uint16Array.from(values).buffer);
const bytes = Buffer.from(values.map((value) => Math.max(0, Math.min(255, Math.round((value - 824) / 1.8)))));

const scaled = [
  element('00281050', 'DS', '40'),
  element('00281051', 'DS', '400'),
  element('00281052', 'DS', '-1024'),
  element('00281053', 'DS', '1'),
];
const grey = { rows, columns, allocated: 16, stored: 12, extra: scaled, bytes: words } satisfies TestImage;
const colour = { ...PHOTOGRAPH, samples: 3, photometric: 'RGB', planar: 0, bytes: photograph() } as const;

function study(title: string, studyUid: string): DemoStudy {
  const patient = {
    id: 'VIEW-1',
    name: 'Phantom^View',
    issuer: DEMO_ISSUER,
    birthDate: '19700101',
    sex: 'O',
  };
  const accessionNumber = studyUid.slice(-12);
  return {
    studyUid,
    patient,
    date: '20260301',
    description: title,
    accessionNumber,
    institution: 'Phantoms',
  };
}

const uids = (title: string, studyUid: string) => ({
  study: study(title, studyUid),
  seriesUid: freshUid(),
  sopUid: freshUid(),
  seriesDescription: title,
});

/** Makes the file of a study. */
type Maker = (title: string, studyUid: string) => Buffer | Promise<Buffer>;

const image =
  (of: TestImage): Maker =>
  (_, studyUid) =>
    testFile(of, { studyUid, patientId: 'VIEW-1' });

/** An image that a program of DCMTK compresses. */
const compressed =
  (of: TestImage, program: string, ...options: string[]): Maker =>
  (_, studyUid) =>
    byDcmtk(program, options, testFile(of, { studyUid, patientId: 'VIEW-1' }));

/** An image with this compressed frame. `end`: the last components of its transfer syntax. */
const encoded =
  (end: string, frame: () => Promise<Uint8Array>): Maker =>
  async (_, studyUid) => {
    const value = { fragments: [Buffer.from(await frame())] };
    const extra = [...scaled, { tag: '7FE00010', vr: 'OB', value }];
    const transferSyntax = `1.2.840.10008.1.2.4.${end}`;
    return testFile(
      { ...grey, extra, transferSyntax, bytes: Buffer.alloc(0) },
      { studyUid, patientId: 'VIEW-1' },
    );
  };

const size = { height: rows, width: columns };

const palette = ['00281101', '00281102', '00281103'].map((tag): DicomElement =>
  element(tag, 'US', [256, 0, 16]),
);
const ramps = [
  (at: number) => Math.min(255, at * 3),
  (at: number) => Math.max(0, Math.min(255, (at - 85) * 3)),
  (at: number) => Math.max(0, (at - 170) * 3),
].map((ramp, at): DicomElement => {
  const table = Uint16Array.from({ length: 256 }, (_, index) => ramp(index) * 257);
  return element(`0028120${at + 1}`, 'OW', Buffer.from(table.buffer));
});

const doses = Uint16Array.from(values, (_, at) => {
  const [x, y] = [(at % columns) - columns / 2, Math.floor(at / columns) - rows / 2];
  return 6000 * Math.exp(-(x * x + 2 * y * y) / 6000);
});

const makers: readonly (readonly [title: string, maker: Maker])[] = [
  ['CT, uncompressed', image(grey)],
  [
    'MR',
    (title, studyUid) => {
      const pixels = paintMrSlice(CORONAL, 'T2', 7);
      const common = { frameOfReferenceUid: freshUid(), geometry: CORONAL, seriesNumber: 1, index: 7 };
      return makeMrSlice({
        ...uids(title, studyUid),
        ...common,
        timing: { repetition: 4000, echo: 95 },
        pixels,
      });
    },
  ],
  ['Ultrasound cine', (title, studyUid) => cineObject({ ...uids(title, studyUid), frames: cineFrames() })],
  ['RGB photograph', image(colour)],
  [
    'Palette colour',
    image({ rows, columns, photometric: 'PALETTE COLOR', bytes, extra: [...palette, ...ramps] }),
  ],
  ['Deflated', image({ ...grey, transferSyntax: TransferSyntax.deflated })],
  ['RLE', compressed(grey, 'dcmcrle')],
  ['JPEG baseline, colour', compressed(colour, 'dcmcjpeg', '+eb')],
  ['JPEG extended, 12 bits', compressed(grey, 'dcmcjpeg', '+ee')],
  ['JPEG lossless', compressed(grey, 'dcmcjpeg', '+e1')],
  ['JPEG-LS', encoded('80', () => encodedJpegLs(words, 12, size))],
  ['JPEG 2000', encoded('90', () => encodedJpeg2000(words, 12, size))],
  ['HTJ2K', encoded('201', () => encodedHtj2k(words, 12, size))],
  ['JPEG XL', encoded('110', () => encodedJpegXl(words, 12, size))],
  [
    'RT Dose',
    image({
      rows,
      columns,
      allocated: 16,
      bytes: Buffer.from(doses.buffer),
      extra: [
        element('00080016', 'UI', '1.2.840.10008.5.1.4.1.1.481.2'),
        element('00080060', 'CS', 'RTDOSE'),
        element('30040002', 'CS', 'GY'),
        element('3004000E', 'DS', '0.01'),
      ],
    }),
  ],
  [
    'Float pixels',
    image({
      rows,
      columns,
      allocated: 32,
      pixelData: ['7FE00008', 'OF'],
      bytes: Buffer.from(Float32Array.from(values, (value) => value / 1000).buffer),
      extra: [element('00080016', 'UI', '1.2.840.10008.5.1.4.1.1.30')],
    }),
  ],
  [
    'PDF',
    (title, studyUid) => {
      const pdf = makePdf('Report of a phantom', ['Finding: plain shapes.', 'No patient was imaged.']);
      return pdfObject({ ...uids(title, studyUid), title, pdf });
    },
  ],
  [
    'Structured report',
    (title, studyUid) =>
      structuredReport({ ...uids(title, studyUid), findings: 'Plain shapes.', conclusions: 'A phantom.' }),
  ],
];

/** Studies with one object each. */
export function viewedObjects(): Promise<readonly ViewedObject[]> {
  return Promise.all(
    makers.map(async ([title, maker]) => {
      const studyUid = freshUid();
      return { title, studyUid, file: await maker(title, studyUid) };
    }),
  );
}
