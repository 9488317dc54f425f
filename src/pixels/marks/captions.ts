import { decodeText } from '../../dicom/character.sets.js';
import type { Selection } from '../../dicom/selected.reader.js';
import type { SelectedValues } from '../../dicom/selected.values.js';
import type { Canvas } from './canvas.js';
import { brokenLines, drawText, textCapacity, textScale } from './text.drawing.js';

/** What can be drawn into a picture on request (PS3.18 §8.3.5.1.1). The overlays of the image are a keyword of our own. */
export const ANNOTATIONS = ['patient', 'technique', 'overlays'] as const;
export type Annotation = (typeof ANNOTATIONS)[number];

/** The texts of a picture (PS3.18 §8.3.5.1.1). Patient texts are drawn from the top, texts about the technique above the bottom. */
export interface Captions {
  readonly patient: readonly string[];
  readonly technique: readonly string[];
}

const TAGS = {
  characterSet: 0x00080005,
  studyDate: 0x00080020,
  studyTime: 0x00080030,
  modality: 0x00080060,
  institution: 0x00080080,
  study: 0x00081030,
  series: 0x0008103e,
  patientName: 0x00100010,
  patientId: 0x00100020,
  birthDate: 0x00100030,
  sex: 0x00100040,
  age: 0x00101010,
  seriesNumber: 0x00200011,
  instanceNumber: 0x00200013,
  position: 0x00200032,
  sliceLocation: 0x00201041,
  isLossy: 0x00282110,
} as const;

/** The elements that {@link captionsOf} reads. */
export const CAPTIONS: Selection = new Map(Object.values(TAGS).map((tag) => [tag, 'value'] as const));

/** Longest value that is read, in bytes, and longest text, in characters. Valid values of these elements are shorter. */
const LONGEST_VALUE = 1024;
const LONGEST_TEXT = 128;

/** The texts about the patient and the technique of a frame (counted from 1). Absent values are left out. */
export function captionsOf(
  values: SelectedValues,
  frame: number,
  frames: number,
  asked: ReadonlySet<string>,
): Captions {
  return {
    patient: asked.has('patient') ? patientTexts(values) : [],
    technique: asked.has('technique') ? techniqueTexts(values, frame, frames) : [],
  };
}

/** Draws the texts into a picture. Lines that do not fit into it are left out. */
export function drawCaptions(canvas: Canvas, { patient, technique }: Captions): void {
  const scale = textScale(canvas);
  const { letters, lines } = textCapacity(canvas, scale);
  if (letters === 0 || lines === 0) return;
  const top = brokenLines(patient, letters).slice(0, lines);
  const bottom = brokenLines(technique, letters).slice(0, lines - top.length);
  const height = Math.floor(canvas.height / lines);
  top.forEach((text, line) => drawText(canvas, text, scale, line * height, scale));
  bottom.forEach((text, line) =>
    drawText(canvas, text, scale, (lines - bottom.length + line) * height, scale),
  );
}

function patientTexts(values: SelectedValues): readonly string[] {
  const person = [dateOf(values, TAGS.birthDate), textOf(values, TAGS.sex), textOf(values, TAGS.age)];
  return present([
    nameOf(values, TAGS.patientName),
    labelled('ID', textOf(values, TAGS.patientId)),
    present(person).join(' '),
  ]);
}

function techniqueTexts(values: SelectedValues, frame: number, frames: number): readonly string[] {
  const place = values.has(TAGS.sliceLocation)
    ? labelled('Slice location', textOf(values, TAGS.sliceLocation))
    : labelled('Position', values.has(TAGS.position) ? positionOf(values) : '');
  return present([
    textOf(values, TAGS.institution),
    present([dateOf(values, TAGS.studyDate), timeOf(values), textOf(values, TAGS.study)]).join(' '),
    present([
      textOf(values, TAGS.modality),
      labelled('Series', textOf(values, TAGS.seriesNumber)),
      textOf(values, TAGS.series),
    ]).join(' '),
    present([
      labelled('Image', textOf(values, TAGS.instanceNumber)),
      frames > 1 ? `Frame ${frame}/${frames}` : '',
    ]).join(' '),
    place,
    values.text(TAGS.isLossy) === '01' ? 'Lossy compression' : '',
  ]);
}

function present(texts: readonly string[]): readonly string[] {
  return texts.filter((text) => text !== '');
}

function labelled(label: string, text: string): string {
  return text === '' ? '' : `${label} ${text}`;
}

/** The first value of a text. */
function textOf(values: SelectedValues, tag: number): string {
  return decoded(values, tag, '\\').split('\\', 1)[0]?.trim().slice(0, LONGEST_TEXT) ?? '';
}

/** A person name: the first component group that is not empty, the family name first (PS3.5 §6.2.1). */
function nameOf(values: SelectedValues, tag: number): string {
  const groups = decoded(values, tag, '\\^=').split('=');
  const [family = '', given = '', middle = '', prefix = '', suffix = ''] = (
    groups.find((group) => /[^ ^]/.test(group)) ?? ''
  )
    .split('^')
    .map((part) => part.trim());
  const rest = present([prefix, given, middle, suffix]).join(' ');
  return present([family, rest]).join(', ').slice(0, LONGEST_TEXT);
}

function decoded(values: SelectedValues, tag: number, resets: string): string {
  const characterSet = values.bytes(TAGS.characterSet).subarray(0, LONGEST_VALUE).toString('latin1');
  return decodeText(values.bytes(tag).subarray(0, LONGEST_VALUE), characterSet, resets);
}

/** A date as year, month and day. A date of another form is shown as it is. */
function dateOf(values: SelectedValues, tag: number): string {
  return textOf(values, tag).replace(/^(\d{4})\.?(\d\d)\.?(\d\d)$/, '$1-$2-$3');
}

function timeOf(values: SelectedValues): string {
  return textOf(values, TAGS.studyTime).replace(/^(\d\d):?(\d\d).*$/, '$1:$2');
}

function positionOf(values: SelectedValues): string {
  return values
    .decimals(TAGS.position)
    .slice(0, 3)
    .map((one) => one.toFixed(1))
    .join(' ');
}
