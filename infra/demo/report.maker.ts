import type { DicomElement } from './dicom.elements.ts';
import { code, seriesElements, studyElements, type DemoStudy } from './dicom.modules.ts';
import { SopClass, dicomFile, element } from './dicom.writer.ts';

type Code = readonly [value: string, scheme: string, meaning: string];

const TITLE: Code = ['18748-4', 'LN', 'Diagnostic imaging report'];
const ENGLISH: Code = ['eng', 'RFC5646', 'English'];

/** Headings of the report. Each heading has one text. */
const SECTIONS = {
  findings: { heading: ['121070', 'DCM', 'Findings'], text: ['121071', 'DCM', 'Finding'] },
  conclusions: { heading: ['121076', 'DCM', 'Conclusions'], text: ['121077', 'DCM', 'Conclusion'] },
} as const;

/** Returns a Basic Text structured report (PS3.3 §A.35.1) as a Part 10 file. Its content follows template TID 2000 (PS3.16). */
export function structuredReport(object: {
  study: DemoStudy;
  seriesUid: string;
  sopUid: string;
  findings: string;
  conclusions: string;
}): Buffer {
  const template = [element('00080105', 'CS', 'DCMR'), element('0040DB00', 'CS', '2000')];
  return dicomFile({
    elements: [
      ...studyElements(object.study, SopClass.basicTextSr, object.sopUid),
      ...seriesElements(object.seriesUid, 'SR', 2, TITLE[2]),
      element('00081111', 'SQ', { items: [] }),
      element('00200013', 'IS', '1'),
      element('0040A040', 'CS', 'CONTAINER'),
      named(TITLE),
      element('0040A050', 'CS', 'SEPARATE'),
      element('0040A372', 'SQ', { items: [] }),
      element('0040A491', 'CS', 'COMPLETE'),
      element('0040A493', 'CS', 'UNVERIFIED'),
      element('0040A504', 'SQ', { items: [template] }),
      element('0040A730', 'SQ', {
        items: [
          language(),
          section(SECTIONS.findings, object.findings),
          section(SECTIONS.conclusions, object.conclusions),
        ],
      }),
    ],
  });
}

function named(concept: Code): DicomElement {
  return element('0040A043', 'SQ', { items: [code(...concept)] });
}

function language(): DicomElement[] {
  return [
    element('0040A010', 'CS', 'HAS CONCEPT MOD'),
    element('0040A040', 'CS', 'CODE'),
    named(['121049', 'DCM', 'Language of Content Item and Descendants']),
    element('0040A168', 'SQ', { items: [code(...ENGLISH)] }),
  ];
}

function section({ heading, text }: { heading: Code; text: Code }, words: string): DicomElement[] {
  const content = [
    element('0040A010', 'CS', 'CONTAINS'),
    element('0040A040', 'CS', 'TEXT'),
    named(text),
    element('0040A160', 'UT', words),
  ];
  return [
    element('0040A010', 'CS', 'CONTAINS'),
    element('0040A040', 'CS', 'CONTAINER'),
    named(heading),
    element('0040A050', 'CS', 'SEPARATE'),
    element('0040A730', 'SQ', { items: [content] }),
  ];
}
