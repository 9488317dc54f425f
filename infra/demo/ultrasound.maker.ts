import type { DicomElement } from './dicom.elements.ts';
import { imageElements, seriesElements, studyElements, type DemoStudy } from './dicom.modules.ts';
import { SopClass, dicomFile, element } from './dicom.writer.ts';
import { CINE, SECTOR } from './ultrasound.phantom.ts';

/** Returns an Ultrasound Multi-frame Image (PS3.3 §A.7) as a Part 10 file. It is a cine of 8-bit grey frames with a calibrated region. */
export function cineObject(object: {
  study: DemoStudy;
  seriesUid: string;
  sopUid: string;
  seriesDescription: string;
  frames: Buffer;
}): Buffer {
  return dicomFile({
    elements: [
      ...studyElements(object.study, SopClass.ultrasoundMultiframe, object.sopUid),
      ...seriesElements(object.seriesUid, 'US', 1, object.seriesDescription),
      element('00080008', 'CS', String.raw`ORIGINAL\PRIMARY\CHEST`),
      element('00082144', 'IS', String(Math.round(1000 / CINE.frameTime))),
      element('00180015', 'CS', 'HEART'),
      element('00180040', 'IS', String(Math.round(1000 / CINE.frameTime))),
      element('00181063', 'DS', String(CINE.frameTime)),
      element('00181244', 'US', [0]),
      element('00186011', 'SQ', { items: [region()] }),
      element('00200013', 'IS', '1'),
      element('00200020', 'CS', ''),
      element('00280008', 'IS', String(CINE.frames)),
      element('00280009', 'AT', [0x00181063]),
      ...imageElements({ ...CINE, samples: 1, bits: 8 }),
      element('00280301', 'CS', 'NO'),
      element('00282110', 'CS', '00'),
      element('7FE00010', 'OB', object.frames),
    ],
  });
}

/** Returns the US Region Calibration (PS3.3 §C.8.5.5) of a two-dimensional tissue region, with centimetres on both axes. */
function region(): DicomElement[] {
  return [
    element('00186012', 'US', [1]),
    element('00186014', 'US', [1]),
    element('00186016', 'UL', [0]),
    element('00186018', 'UL', [0]),
    element('0018601A', 'UL', [SECTOR.top]),
    element('0018601C', 'UL', [CINE.columns - 1]),
    element('0018601E', 'UL', [SECTOR.top + SECTOR.depth]),
    element('00186024', 'US', [3]),
    element('00186026', 'US', [3]),
    element('0018602C', 'FD', [CINE.centimetresPerPixel]),
    element('0018602E', 'FD', [CINE.centimetresPerPixel]),
  ];
}
