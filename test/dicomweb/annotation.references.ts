import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, SopClass } from '../../infra/demo/dicom.writer.ts';

interface InstanceUids {
  studyUid: string;
  seriesUid: string;
  sopUid: string;
}

/** The evidence sequence of reports and key object selections (PS3.3 §C.17.2.1). */
export function evidence(...of: readonly InstanceUids[]) {
  const items = of.map(({ studyUid, seriesUid, sopUid }) => [
    element('00081115', 'SQ', {
      items: [
        [
          element('00081199', 'SQ', {
            items: [[element('00081150', 'UI', SopClass.ct), element('00081155', 'UI', sopUid)]],
          }),
          element('0020000E', 'UI', seriesUid),
        ],
      ],
    }),
    element('0020000D', 'UI', studyUid),
  ]);
  return element('0040A375', 'SQ', { items });
}

/** One SOP instance reference (PS3.3 table 10-11). */
export const reference = (sopUid: string, sopClassUid: string = SopClass.ct) => [
  element('00081150', 'UI', sopClassUid),
  element('00081155', 'UI', sopUid),
];

/** The images of a structure set, by study, series and instance (PS3.3 §C.8.8.5). */
export function drawnOn({ studyUid, seriesUid, sopUid }: InstanceUids) {
  const images = element('30060016', 'SQ', { items: [reference(sopUid)] });
  const series = element('30060014', 'SQ', { items: [[element('0020000E', 'UI', seriesUid), images]] });
  const study = [...reference(studyUid, '1.2.840.10008.3.1.2.3.1'), series];
  const studies = element('30060012', 'SQ', { items: [study] });
  return element('30060010', 'SQ', { items: [[element('00200052', 'UI', freshUid()), studies]] });
}

/** One contour of one region, with its image (PS3.3 §C.8.8.6). */
export function contourIn(sopUid: string) {
  const contour = [element('30060016', 'SQ', { items: [reference(sopUid)] })];
  return element('30060039', 'SQ', { items: [[element('30060040', 'SQ', { items: [contour] })]] });
}
