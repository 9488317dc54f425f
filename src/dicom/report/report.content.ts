import { itemsOf, type JsonDataSet } from '../json/dicom.json.js';
import { type ReportTable, tableOf } from './report.table.js';
import { codeOf, valueList, firstText, textsOf, unitSymbol } from './report.values.js';

/** A content item of a report (PS3.3 §C.17.3). */
export interface ContentItem {
  /** The position in the tree, such as 1.2.1 (PS3.3 §C.17.3.2.5). */
  readonly position: string;
  /** The relationship to the item around it, such as `inferred from`. Empty for an item that is simply contained in it. */
  readonly relationship: string;
  readonly isSection: boolean;
  /** The meaning of its concept. Empty when the item has no concept name. */
  readonly name: string;
  /** The code of its concept with the coding scheme. */
  readonly code: string;
  /** The value as text. It can have several lines. */
  readonly value: string;
  /** The value of an item of the type TABLE. */
  readonly table: ReportTable | undefined;
  /** The position of another item that this item refers to. */
  readonly target: string | undefined;
  readonly items: readonly ContentItem[];
}

/** A report for people: title, facts about the patient and the document, and the tree of its content items. */
export interface ReportContent {
  readonly title: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly items: readonly ContentItem[];
  /** The positions that other items refer to. */
  readonly targets: ReadonlySet<string>;
}

/** The UIDs of the SOP classes of reports begin with this, also those of Key Object Selections. */
const REPORTS = '1.2.840.10008.5.1.4.1.1.88.';
const MACULAR_GRID_REPORT = '1.2.840.10008.5.1.4.1.1.79.1';
const CONTENT = '0040A730';
/** How relationships are shown (PS3.3 table C.17.3-8). Other relationships are not shown. */
const RELATIONSHIPS: ReadonlyMap<string, string> = new Map([
  ['HAS OBS CONTEXT', 'context'],
  ['HAS ACQ CONTEXT', 'acquisition'],
  ['HAS CONCEPT MOD', 'modifier'],
  ['INFERRED FROM', 'inferred from'],
  ['SELECTED FROM', 'selected from'],
]);

/** Whether the instances of a SOP class have the SR Document Content Module (PS3.3 §C.17.3). */
export function isReport(sopClassUid: string): boolean {
  return sopClassUid.startsWith(REPORTS) || sopClassUid === MACULAR_GRID_REPORT;
}

/** The content of an instance with the SR Document Content Module (PS3.3 §C.17.3), also of a Key Object Selection. */
export function reportContent(dataSet: JsonDataSet): ReportContent {
  const targets = new Set<string>();
  const items = childrenOf(dataSet, '1', targets);
  return {
    title: codeOf(dataSet, '0040A043')?.meaning ?? 'Structured report',
    facts: factsOf(dataSet).filter(([, value]) => value !== ''),
    items,
    targets,
  };
}

function childrenOf(dataSet: JsonDataSet, position: string, targets: Set<string>): readonly ContentItem[] {
  return itemsOf(dataSet[CONTENT]).map((item, at) => contentItem(item, `${position}.${at + 1}`, targets));
}

function contentItem(item: JsonDataSet, position: string, targets: Set<string>): ContentItem {
  const concept = codeOf(item, '0040A043');
  const type = firstText(item, '0040A040');
  const target = textsOf(item, '0040DB73').join('.');
  if (target !== '') targets.add(target);
  return {
    position,
    relationship: RELATIONSHIPS.get(firstText(item, '0040A010')) ?? '',
    isSection: type === 'CONTAINER',
    name: concept?.meaning ?? '',
    code: concept?.code ?? '',
    value: (VALUES.get(type) ?? otherValue)(item),
    table: type === 'TABLE' ? tableOf(item) : undefined,
    target: target === '' ? undefined : target,
    items: childrenOf(item, position, targets),
  };
}

/** How the value of an item is shown, by value type (PS3.3 table C.17.3-7). */
const VALUES: ReadonlyMap<string, (item: JsonDataSet) => string> = new Map([
  ['CONTAINER', () => ''],
  ['TEXT', (item) => firstText(item, '0040A160')],
  ['CODE', (item) => codeOf(item, '0040A168')?.meaning ?? ''],
  ['NUM', numberOf],
  ['DATETIME', (item) => firstText(item, '0040A120')],
  ['DATE', (item) => firstText(item, '0040A121')],
  ['TIME', (item) => firstText(item, '0040A122')],
  ['PNAME', (item) => firstText(item, '0040A123')],
  ['UIDREF', (item) => firstText(item, '0040A124')],
  ['IMAGE', (item) => referenced('Image', item)],
  ['WAVEFORM', (item) => referenced('Waveform', item)],
  ['COMPOSITE', (item) => referenced('Object', item)],
  ['SCOORD', (item) => coordinates('pixels', item)],
  ['SCOORD3D', (item) => coordinates('mm', item)],
  ['TCOORD', temporal],
  ['TABLE', (item) => (tableOf(item) === undefined ? 'Table without values' : '')],
]);

function otherValue(item: JsonDataSet): string {
  const type = firstText(item, '0040A040');
  return type === '' ? '' : `(a value of the type ${type})`;
}

/** A number with its unit. If it has no value, the reason is shown (PS3.3 §C.18.1). */
function numberOf(item: JsonDataSet): string {
  const [measured] = itemsOf(item['0040A300']);
  const number = measured === undefined ? '' : textsOf(measured, '0040A30A').join(', ');
  const shown = measured === undefined || number === '' ? '' : `${number} ${unitSymbol(measured)}`.trimEnd();
  const qualifier = codeOf(item, '0040A301')?.meaning;
  if (qualifier === undefined) return shown === '' ? 'no value' : shown;
  return shown === '' ? qualifier : `${shown} (${qualifier})`;
}

/** References to objects (PS3.3 §C.18.3, §C.18.4, §C.18.5), one in each line. */
function referenced(kind: string, item: JsonDataSet): string {
  const lines = itemsOf(item['00081199']).map((one) => {
    const parts: readonly (readonly [string, string])[] = [
      ['frames', valueList(one, '00081160')],
      ['segments', valueList(one, '0062000B')],
      ['channels', valueList(one, '0040A0B0')],
    ];
    const details = parts.filter(([, list]) => list !== '').map(([name, list]) => `, ${name} ${list}`);
    return `${kind} ${firstText(one, '00081155')}${details.join('')}`;
  });
  return lines.length === 0 ? `${kind} without a reference` : lines.join('\n');
}

/** A shape in an image or in space (PS3.3 §C.18.6, §C.18.9). */
function coordinates(unit: string, item: JsonDataSet): string {
  return `${firstText(item, '00700023')} at ${valueList(item, '00700022')} (${unit})`;
}

/** Times in a waveform or a series of images (PS3.3 §C.18.7). */
function temporal(item: JsonDataSet): string {
  const parts: readonly (readonly [string, string])[] = [
    ['samples', valueList(item, '0040A132')],
    ['seconds', valueList(item, '0040A138')],
    ['at', valueList(item, '0040A13A')],
  ];
  const details = parts.filter(([, list]) => list !== '').map(([name, list]) => ` ${name} ${list}`);
  return `${firstText(item, '0040A130')}${details.join(',')}`;
}

function factsOf(dataSet: JsonDataSet): readonly (readonly [string, string])[] {
  const moment = (day: string, time: string) =>
    `${firstText(dataSet, day)} ${firstText(dataSet, time)}`.trim();
  const flags = [
    firstText(dataSet, '0040A491'),
    firstText(dataSet, '0040A496'),
    firstText(dataSet, '0040A493'),
  ];
  return [
    ['Patient', firstText(dataSet, '00100010')],
    ['Patient ID', firstText(dataSet, '00100020')],
    ['Birth date', firstText(dataSet, '00100030')],
    ['Sex', firstText(dataSet, '00100040')],
    ['Study', firstText(dataSet, '00081030')],
    ['Study date', moment('00080020', '00080030')],
    ['Accession number', firstText(dataSet, '00080050')],
    ['Institution', firstText(dataSet, '00080080')],
    ['Document date', moment('00080023', '00080033')],
    [
      'Status',
      flags
        .filter((flag) => flag !== '')
        .join(', ')
        .toLowerCase(),
    ],
    ...itemsOf(dataSet['0040A073']).map((one): readonly [string, string] => ['Verified by', verifier(one)]),
  ];
}

/** A verifying observer (PS3.3 §C.17.2): name, organisation and time. */
function verifier(observer: JsonDataSet): string {
  return ['0040A075', '0040A027', '0040A030']
    .map((tag) => firstText(observer, tag))
    .filter((text) => text !== '')
    .join(', ');
}
