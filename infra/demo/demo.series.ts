import { uidFor } from './dicom.elements.ts';
import { pdfObject } from './dicom.makers.ts';
import type { DemoStudy } from './dicom.modules.ts';
import { makeMrSlice } from './mr.maker.ts';
import { CORONAL, SAGITTAL, paintMrSlice } from './mr.phantom.ts';
import { makePdf } from './pdf.maker.ts';
import { photographObject } from './photograph.maker.ts';
import { photograph } from './photograph.phantom.ts';
import { cineObject } from './ultrasound.maker.ts';
import { cineFrames } from './ultrasound.phantom.ts';

/** An object to store: its SOP Instance UID and its Part 10 file. */
export interface DemoObject {
  sopUid: string;
  file: Buffer;
}

const MR_SERIES = [
  {
    weighting: 'T1',
    seriesNumber: 1,
    seriesDescription: 'T1 sagittal',
    geometry: SAGITTAL,
    timing: { repetition: 500, echo: 12 },
  },
  {
    weighting: 'T2',
    seriesNumber: 2,
    seriesDescription: 'T2 coronal',
    geometry: CORONAL,
    timing: { repetition: 4000, echo: 95 },
  },
] as const;

/**
 * Yields MR series of a head in two weightings and two planes. All series have the same frame of reference, so a viewer can show the
 * position of a slice in the other series.
 */
export function* brainMr(study: DemoStudy): Generator<DemoObject> {
  for (const { weighting, ...series } of MR_SERIES) {
    const seriesUid = uidFor(`radgate demo series brain ${weighting}`);
    const frameOfReferenceUid = uidFor('radgate demo frame of reference brain');
    for (let index = 0; index < series.geometry.slices; index += 1) {
      const sopUid = uidFor(`radgate demo brain ${weighting} slice ${index}`);
      const pixels = paintMrSlice(series.geometry, weighting, index);
      const file = makeMrSlice({ ...series, study, seriesUid, sopUid, frameOfReferenceUid, index, pixels });
      yield { sopUid, file };
    }
  }
}

/** Returns an ultrasound cine of one heartbeat. */
export function heartUltrasound(study: DemoStudy): DemoObject {
  const sopUid = uidFor('radgate demo heart');
  const seriesUid = uidFor('radgate demo series heart');
  const seriesDescription = 'Four chambers, one beat';
  return { sopUid, file: cineObject({ study, seriesUid, sopUid, seriesDescription, frames: cineFrames() }) };
}

/** Returns a photograph of a spot on the skin. */
export function skinPhotograph(study: DemoStudy): DemoObject {
  const sopUid = uidFor('radgate demo skin');
  const seriesUid = uidFor('radgate demo series skin');
  const seriesDescription = 'Forearm, with ruler';
  const picture = photograph();
  return { sopUid, file: photographObject({ study, seriesUid, sopUid, seriesDescription, picture }) };
}

/** Returns the report of the thorax CT. */
export function thoraxReport(study: DemoStudy): DemoObject {
  const sopUid = uidFor('radgate demo report');
  const title = 'Radiology report (sample)';
  const pdf = makePdf(title, [
    `Patient: Phantom, Nora (${study.patient.id})`,
    'Examination: CT Thorax, 12 January 2026',
    '',
    'Finding: a phantom of plain shapes; the bead goes once round along z.',
    'Impression: no patient was imaged to make this sample.',
  ]);
  const seriesUid = uidFor('radgate demo series report');
  return { sopUid, file: pdfObject({ study, seriesUid, sopUid, title, pdf }) };
}
