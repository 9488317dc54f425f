import { HEAD_SERIES_UID, frameOfReference, sliceUid } from './ct.series.ts';
import type { DemoObject } from './demo.series.ts';
import { uidFor } from './dicom.elements.ts';
import type { DemoStudy } from './dicom.modules.ts';
import { BLEED, HEAD, headSlice } from './phantom.ts';
import { structuredReport } from './report.maker.ts';
import { segmentationObject, type SegmentedSlice } from './segmentation.maker.ts';

/** Returns the report of the head CT as a structured report. */
export function headReport(study: DemoStudy): DemoObject {
  const sopUid = uidFor('radgate demo head report');
  const file = structuredReport({
    study,
    seriesUid: uidFor('radgate demo series head report'),
    sopUid,
    findings: 'A dense round area beside the right ventricle, wider from slice to slice upwards.',
    conclusions: 'Bleed of the phantom. No patient was imaged to make this sample.',
  });
  return { sopUid, file };
}

/** Returns the segmentation of the bleed in the head CT. */
export function headSegmentation(study: DemoStudy): DemoObject {
  const sopUid = uidFor('radgate demo head segmentation');
  const file = segmentationObject({
    study,
    seriesUid: uidFor('radgate demo series head segmentation'),
    sopUid,
    dimensionUid: uidFor('radgate demo dimensions head segmentation'),
    label: 'Bleed',
    finding: ['50960005', 'Hemorrhage'],
    source: {
      seriesUid: HEAD_SERIES_UID,
      frameOfReferenceUid: frameOfReference('head'),
      geometry: HEAD,
    },
    slices: bleeding(),
  });
  return { sopUid, file };
}

function bleeding(): SegmentedSlice[] {
  const every = Array.from({ length: HEAD.slices }, (_, index) => ({
    index,
    sopUid: sliceUid('head', index),
    mask: Array.from(headSlice(index), (value) => value === BLEED),
  }));
  return every.filter(({ mask }) => mask.includes(true));
}
