import type { DicomElement } from './dicom.elements.ts';
import { code, seriesElements, studyElements, type DemoStudy } from './dicom.modules.ts';
import { SopClass, dicomFile, element } from './dicom.writer.ts';
import type { PhantomGeometry } from './phantom.ts';

/** A CT slice, and the pixels of this slice that belong to the segment. */
export interface SegmentedSlice {
  /** The index of the slice. The first slice has the index 0. */
  index: number;
  sopUid: string;
  mask: readonly boolean[];
}

/** The values of a segmentation of an axial CT series. It has one segment. */
export interface SegmentationPlan {
  study: DemoStudy;
  seriesUid: string;
  sopUid: string;
  dimensionUid: string;
  label: string;
  /** SNOMED CT code and meaning of the segmented structure. */
  finding: readonly [code: string, meaning: string];
  source: { seriesUid: string; frameOfReferenceUid: string; geometry: PhantomGeometry };
  slices: readonly SegmentedSlice[];
}

/** Returns a binary segmentation (PS3.3 §A.51) as a Part 10 file. It has one frame for each slice and one bit for each pixel. */
export function segmentationObject(plan: SegmentationPlan): Buffer {
  const { geometry, frameOfReferenceUid } = plan.source;
  return dicomFile({
    elements: [
      ...studyElements(plan.study, SopClass.segmentation, plan.sopUid),
      ...seriesElements(plan.seriesUid, 'SEG', 3, plan.label),
      element('00080008', 'CS', String.raw`DERIVED\PRIMARY`),
      element('00081115', 'SQ', { items: [referencedSeries(plan)] }),
      element('00181000', 'LO', '1'),
      element('00181020', 'LO', '1'),
      element('00200013', 'IS', '1'),
      element('00200052', 'UI', frameOfReferenceUid),
      element('00201040', 'LO', ''),
      ...dimensions(plan.dimensionUid),
      element('00280002', 'US', [1]),
      element('00280004', 'CS', 'MONOCHROME2'),
      element('00280008', 'IS', String(plan.slices.length)),
      element('00280010', 'US', [geometry.rows]),
      element('00280011', 'US', [geometry.columns]),
      element('00280100', 'US', [1]),
      element('00280101', 'US', [1]),
      element('00280102', 'US', [0]),
      element('00280103', 'US', [0]),
      element('00282110', 'CS', '00'),
      element('00620001', 'CS', 'BINARY'),
      element('00620002', 'SQ', { items: [segment(plan)] }),
      element('00700080', 'CS', 'SEGMENTATION'),
      element('00700081', 'LO', plan.label),
      element('00700084', 'PN', ''),
      element('52009229', 'SQ', { items: [sharedGroups(geometry)] }),
      element('52009230', 'SQ', { items: plan.slices.map((slice, at) => frameGroups(slice, at, geometry)) }),
      element('7FE00010', 'OB', packed(plan.slices)),
    ],
  });
}

function referencedSeries(plan: SegmentationPlan): DicomElement[] {
  const items = plan.slices.map(({ sopUid }) => reference(sopUid));
  return [element('0020000E', 'UI', plan.source.seriesUid), element('0008114A', 'SQ', { items })];
}

function reference(sopUid: string): DicomElement[] {
  return [element('00081150', 'UI', SopClass.ct), element('00081155', 'UI', sopUid)];
}

function segment({ label, finding: [value, meaning] }: SegmentationPlan): DicomElement[] {
  const category = code('49755003', 'SCT', 'Morphologically Abnormal Structure');
  return [
    element('00620003', 'SQ', { items: [category] }),
    element('00620004', 'US', [1]),
    element('00620005', 'LO', label),
    element('00620008', 'CS', 'MANUAL'),
    // Red as a CIELab value with 16 bits per component (PS3.3 §C.10.7.1.1).
    element('0062000D', 'US', [34_885, 53_485, 50_171]),
    element('0062000F', 'SQ', { items: [code(value, 'SCT', meaning)] }),
  ];
}

/** Returns the dimensions of the frames: first the segment, then the position (PS3.3 §C.7.6.17). */
function dimensions(uid: string): DicomElement[] {
  const index = (pointer: number, group: number) => [
    element('00209164', 'UI', uid),
    element('00209165', 'AT', [pointer]),
    element('00209167', 'AT', [group]),
  ];
  return [
    element('00209221', 'SQ', { items: [[element('00209164', 'UI', uid)]] }),
    element('00209222', 'SQ', {
      items: [index(0x0062000b, 0x0062000a), index(0x00200032, 0x00209113)],
    }),
  ];
}

function sharedGroups({ spacing, thickness }: PhantomGeometry): DicomElement[] {
  const measures = [
    element('00180050', 'DS', String(thickness)),
    element('00180088', 'DS', String(thickness)),
    element('00280030', 'DS', `${spacing}\\${spacing}`),
  ];
  return [
    element('00209116', 'SQ', { items: [[element('00200037', 'DS', String.raw`1\0\0\0\1\0`)]] }),
    element('00289110', 'SQ', { items: [measures] }),
    element('0062000A', 'SQ', { items: [[element('0062000B', 'US', [1])]] }),
  ];
}

function frameGroups(slice: SegmentedSlice, at: number, geometry: PhantomGeometry): DicomElement[] {
  const corner = -((geometry.columns - 1) / 2) * geometry.spacing;
  const place = `${corner}\\${corner}\\${slice.index * geometry.thickness}`;
  const purpose = code('121322', 'DCM', 'Source image for image processing operation');
  const source = [...reference(slice.sopUid), element('0040A170', 'SQ', { items: [purpose] })];
  const derivation = [
    element('00082112', 'SQ', { items: [source] }),
    element('00089215', 'SQ', { items: [code('113076', 'DCM', 'Segmentation')] }),
  ];
  return [
    element('00089124', 'SQ', { items: [derivation] }),
    element('00209111', 'SQ', { items: [[element('00209157', 'UL', [1, at + 1])]] }),
    element('00209113', 'SQ', { items: [[element('00200032', 'DS', place)]] }),
  ];
}

/**
 * Packs the pixels with one bit each. The first pixel is in the lowest bit of a byte, and there is no gap between frames (PS3.5 §8.1.1).
 */
function packed(slices: readonly SegmentedSlice[]): Buffer {
  const bits = slices.flatMap(({ mask }) => mask);
  const bytes = Buffer.alloc(Math.ceil(bits.length / 8));
  bits.forEach((set, at) => {
    if (set) bytes.writeUInt8(bytes.readUInt8(at >> 3) | (1 << (at & 7)), at >> 3);
  });
  return bytes;
}
