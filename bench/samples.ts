import { randomBytes } from 'node:crypto';
import { freshUid } from '../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../infra/demo/dicom.writer.ts';

/** One slice of an invented series. */
export interface Slice {
  studyUid: string;
  seriesUid: string;
  sopUid: string;
  file: Buffer;
}

/**
 * Returns a new series of `count` slices with `pixelBytes` bytes of noise each. `pixelBytes` must be a multiple of 1,024, because a row has
 * 512 pixels of 16 bits each.
 */
export function sample(count: number, pixelBytes: number): Slice[] {
  const [studyUid, seriesUid] = [freshUid(), freshUid()];
  return Array.from({ length: count }, (_, index) => {
    const sopUid = freshUid();
    const extra = [
      element('00280010', 'US', [pixelBytes / 1024]),
      element('00280011', 'US', [512]),
      element('7FE00010', 'OW', randomBytes(pixelBytes)),
    ];
    const patientName = `Bench^${studyUid.slice(-6)}`;
    const file = makeInstance({
      studyUid,
      seriesUid,
      sopUid,
      patientName,
      instanceNumber: index + 1,
      extra,
    });
    return { studyUid, seriesUid, sopUid, file };
  });
}
