import { imageElements, seriesElements, studyElements, type DemoStudy } from './dicom.modules.ts';
import { SopClass, dicomFile, element } from './dicom.writer.ts';
import { PHOTOGRAPH } from './photograph.phantom.ts';

/** Returns a VL Photographic Image (PS3.3 §A.32.4) as a Part 10 file, with 24-bit RGB and a Planar Configuration of 0. */
export function photographObject(object: {
  study: DemoStudy;
  seriesUid: string;
  sopUid: string;
  seriesDescription: string;
  picture: Buffer;
}): Buffer {
  return dicomFile({
    elements: [
      ...studyElements(object.study, SopClass.photograph, object.sopUid),
      ...seriesElements(object.seriesUid, 'XC', 1, object.seriesDescription),
      element('00080008', 'CS', String.raw`ORIGINAL\PRIMARY`),
      element('00180015', 'CS', 'ARM'),
      element('00200013', 'IS', '1'),
      element('00200020', 'CS', ''),
      element('00200060', 'CS', 'L'),
      ...imageElements({ ...PHOTOGRAPH, samples: 3, bits: 8 }),
      element('00280301', 'CS', 'NO'),
      element('00282110', 'CS', '00'),
      element('00400555', 'SQ', { items: [] }),
      element('7FE00010', 'OB', object.picture),
    ],
  });
}
