import { type DicomElement, freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance, SopClass } from '../../infra/demo/dicom.writer.ts';

/** The UIDs of a report. */
interface ReportUids {
  readonly studyUid?: string;
  readonly seriesUid?: string;
  readonly sopUid?: string;
}

/** A coded entry in a code sequence. */
export function code(tag: string, value: string, scheme: string, meaning: string): DicomElement {
  return {
    tag,
    vr: 'SQ',
    value: {
      items: [
        [
          element('00080100', 'SH', value),
          element('00080102', 'SH', scheme),
          element('00080104', 'LO', meaning),
        ],
      ],
    },
  };
}

/** A content item (PS3.3 §C.17.3) with a concept of this meaning. */
export function item(
  type: string,
  meaning: string,
  value: readonly DicomElement[] = [],
  items: readonly DicomElement[][] = [],
  relationship = 'CONTAINS',
): DicomElement[] {
  return [
    element('0040A010', 'CS', relationship),
    element('0040A040', 'CS', type),
    code('0040A043', '999', '99TEST', meaning),
    ...value,
    ...(items.length === 0 ? [] : [{ tag: '0040A730', vr: 'SQ', value: { items: [...items] } }]),
  ];
}

/** A measurement in this unit of UCUM. */
export function measured(value: string, unit: string, meaning: string): DicomElement {
  const number = [code('004008EA', unit, 'UCUM', meaning), element('0040A30A', 'DS', value)];
  return { tag: '0040A300', vr: 'SQ', value: { items: [number] } };
}

/** References to an object. */
function reference(sopUid: string, extra: readonly DicomElement[] = []): DicomElement {
  const one = [element('00081150', 'UI', SopClass.ct), element('00081155', 'UI', sopUid), ...extra];
  return { tag: '00081199', vr: 'SQ', value: { items: [one] } };
}

/** The content of a report with every value type. */
export const everyKind: readonly DicomElement[][] = [
  item('TEXT', 'Observer note', [element('0040A160', 'UT', 'Two lines\r\nof text')], [], 'HAS OBS CONTEXT'),
  item(
    'CONTAINER',
    'Findings',
    [],
    [
      item(
        'NUM',
        'Diameter',
        [measured('12.5', 'mm', 'millimeter')],
        [
          item('CODE', 'Method', [code('0040A168', '1', '99TEST', 'By hand')], [], 'HAS CONCEPT MOD'),
          item(
            'IMAGE',
            'Source',
            [reference('1.2.840.7', [element('00081160', 'IS', '1\\2')])],
            [],
            'INFERRED FROM',
          ),
        ],
      ),
      item('NUM', 'Ratio', [measured('0.5', '{ratio}', 'ratio')]),
      item('NUM', 'Count', [measured('3', '1', 'no units')]),
      item('NUM', 'Missing', [code('0040A301', '114006', 'DCM', 'Measurement failure')]),
      item('DATE', 'Day', [element('0040A121', 'DA', '20240131')]),
      item('TIME', 'Moment', [element('0040A122', 'TM', '101530')]),
      item('DATETIME', 'Both', [element('0040A120', 'DT', '20240131101530+0100')]),
      item('PNAME', 'Reader', [element('0040A123', 'PN', 'Doe^Jo^^Dr=山田^太郎')]),
      item('UIDREF', 'Frame of reference', [element('0040A124', 'UI', '1.2.840.9')]),
      item('SCOORD', 'Outline', [
        element('00700022', 'FL', [1, 2, 3, 4]),
        element('00700023', 'CS', 'POLYLINE'),
      ]),
      item('TCOORD', 'Range', [element('0040A130', 'CS', 'POINT'), element('0040A138', 'DS', '1.5')]),
      item('COMPOSITE', 'Other', [reference('1.2.840.8')]),
      // A relationship by reference (PS3.3 §C.17.3.2.5) to the item Diameter.
      [element('0040A010', 'CS', 'SELECTED FROM'), element('0040DB73', 'UL', [1, 2, 1])],
    ],
  ),
];

/** A report with this content, as a DICOM file. */
export function reportFile(
  uids: ReportUids,
  items: readonly DicomElement[][],
  options: { sopClassUid?: string; title?: string; extra?: DicomElement[]; modality?: string } = {},
): Buffer {
  return makeInstance({
    studyUid: uids.studyUid ?? freshUid(),
    seriesUid: uids.seriesUid,
    sopUid: uids.sopUid,
    modality: options.modality ?? 'SR',
    sopClassUid: options.sopClassUid ?? SopClass.basicTextSr,
    extra: [
      element('0040A040', 'CS', 'CONTAINER'),
      code('0040A043', '126000', 'DCM', options.title ?? 'Imaging report'),
      element('0040A050', 'CS', 'SEPARATE'),
      element('0040A491', 'CS', 'COMPLETE'),
      element('0040A493', 'CS', 'VERIFIED'),
      { tag: '0040A730', vr: 'SQ', value: { items: [...items] } },
      ...(options.extra ?? []),
    ],
  });
}
