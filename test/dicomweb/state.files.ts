import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element } from '../../infra/demo/dicom.writer.ts';
import { area, graphic, graphics, stateFile, StateClass } from '../pixels/presented.pictures.ts';
import type { Dice } from './dicom.mutations.ts';
import { sop, study } from './wado.world.ts';

const series = freshUid();
const [turned, frames, other, blending, malformed] = [
  freshUid(),
  freshUid(),
  freshUid(),
  freshUid(),
  freshUid(),
];
const base = { studyUid: study, seriesUid: series, patientId: 'PAT-1' };

const inverse = [
  element('20500020', 'CS', 'INVERSE'),
  element('00700042', 'US', [180]),
  element('00700041', 'CS', 'N'),
];

/** Every kind of module of a state, without effect on the corners of the picture. */
const rich = [
  ...inverse,
  element('00181600', 'CS', 'RECTANGULAR\\CIRCULAR\\POLYGONAL'),
  ...[1602, 1606].map((tag) => element(`0018${tag}`, 'IS', '0')),
  ...[1604, 1608].map((tag) => element(`0018${tag}`, 'IS', '9')),
  element('00181610', 'IS', '4\\4'),
  element('00181612', 'IS', '20'),
  element('00181620', 'IS', '0\\0\\0\\9\\9\\9\\9\\0'),
  area([1, 1], [8, 8]),
  graphics(
    [
      graphic('CIRCLE', [4, 4, 6, 4]),
      graphic('ELLIPSE', [2, 4, 6, 4, 4, 3, 4, 5]),
      graphic('INTERPOLATED', [2, 2, 3, 3, 4, 4], 'PIXEL', 'Y'),
    ],
    [
      [
        element('00700004', 'CS', 'PIXEL'),
        element('00700006', 'ST', 'x'),
        element('00700014', 'FL', [3, 3]),
        element('00700015', 'CS', 'N'),
      ],
    ],
  ),
];

/** Presentation states of the images of `wado.world`. */
export const states = {
  series,
  turned,
  frames,
  other,
  blending,
  malformed,
  files: [
    stateFile({ ...base, sopUid: turned, image: sop.one }, rich),
    stateFile({ ...base, sopUid: frames, image: sop.multi, frames: '2\\3' }, inverse),
    stateFile({ ...base, sopUid: other, image: sop.two }, inverse),
    stateFile(
      { ...base, sopUid: blending, image: sop.one, sopClassUid: `${StateClass.grey.slice(0, -1)}4` },
      [],
    ),
    stateFile({ ...base, sopUid: malformed, image: sop.one }, [element('00700042', 'US', [45])]),
  ],
  /** The parameters that name a state. */
  query: (uid: string) => `presentationSeriesUID=${series}&presentationUID=${uid}`,
};

/** A state of the first image with this SOP Instance UID and inverted bits after its references. */
export function mutatedState(sopUid: string, dice: Dice): Buffer {
  const file = stateFile({ ...base, sopUid, image: sop.one }, rich);
  const start = file.lastIndexOf(sop.one) + sop.one.length;
  for (let left = 1 + dice.below(8); left > 0; left -= 1) {
    const at = start + dice.below(file.length - start);
    file[at] = (file[at] ?? 0) ^ (1 << dice.below(8));
  }
  return file;
}
