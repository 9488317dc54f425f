import { z } from 'zod';
import type { FoundItem } from '../../catalog/search.service.js';
import { Right } from '../../authz/rights.js';

/** A study of the list, with the values of the catalog. Dates are YYYY-MM-DD, times are HH:MM:SS. Unknown values are empty. */
export const ListedStudy = z.object({
  study_uid: z.string(),
  patient_name: z.string().describe('The alphabetic, ideographic and phonetic forms, as in the files (PN).'),
  patient_id: z.string(),
  issuer: z.string(),
  birth_date: z.string(),
  sex: z.string(),
  date: z.string(),
  time: z.string(),
  accession_number: z.string(),
  description: z.string(),
  institution: z.string(),
  modalities: z.array(z.string()),
  series: z.int(),
  instances: z.int(),
});
export type ListedStudy = z.output<typeof ListedStudy>;

/** The number of studies of each modality. */
export const ModalityCounts = z.object({
  items: z.array(z.object({ modality: z.string(), studies: z.int() })),
});
export type ModalityCounts = z.output<typeof ModalityCounts>;

/** A series of a study. `number` is null if the files have none. */
const ListedSeries = z.object({
  series_uid: z.string(),
  modality: z.string(),
  number: z.int().nullable(),
  description: z.string(),
  body_part: z.string(),
  date: z.string(),
  instances: z.int(),
  bytes: z.int().nullable().describe('Length of all files. Null if a length is not known yet.'),
});
type ListedSeries = z.output<typeof ListedSeries>;

/** One study with its series, and the rights that the caller has over it. */
export const StudyDetails = ListedStudy.omit({ series: true }).extend({
  series: z.array(ListedSeries),
  rights: z.array(Right),
});
export type StudyDetails = z.output<typeof StudyDetails>;

/** Converts a study of the catalog. */
export function listedStudy(item: FoundItem): ListedStudy {
  const text = (tag: string) => textOf(item, tag);
  const modalities = item['00080061'];
  return {
    study_uid: text('0020000D'),
    patient_name: text('00100010'),
    patient_id: text('00100020'),
    issuer: text('00100021'),
    birth_date: dayOf(text('00100030')),
    sex: text('00100040'),
    date: dayOf(text('00080020')),
    time: timeOf(text('00080030')),
    accession_number: text('00080050'),
    description: text('00081030'),
    institution: text('00080080'),
    modalities: Array.isArray(modalities) ? modalities.map(String) : [],
    series: Number(item['00201206'] ?? 0),
    instances: Number(item['00201208'] ?? 0),
  };
}

/** Converts a series of the catalog. `sizes`: the lengths of all files by Series Instance UID. */
export function listedSeries(item: FoundItem, sizes: ReadonlyMap<string, number | null>): ListedSeries {
  const number = item['00200011'];
  return {
    series_uid: textOf(item, '0020000E'),
    modality: textOf(item, '00080060'),
    number: typeof number === 'number' ? number : null,
    description: textOf(item, '0008103E'),
    body_part: textOf(item, '00180015'),
    date: dayOf(textOf(item, '00080021')),
    instances: Number(item['00201209'] ?? 0),
    bytes: sizes.get(textOf(item, '0020000E')) ?? null,
  };
}

function textOf(item: FoundItem, tag: string): string {
  return String(item[tag] ?? '');
}

/** Returns a DA value as YYYY-MM-DD. A value in another form is unknown. */
function dayOf(value: string): string {
  const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)$/.exec(value) ?? [];
  return year === undefined ? '' : `${year}-${month}-${day}`;
}

/** Returns a TM value as HH:MM:SS. Missing parts are 00. */
function timeOf(value: string): string {
  const [, hour, minute = '00', second = '00'] = /^(\d\d)(\d\d)?(\d\d)?/.exec(value) ?? [];
  return hour === undefined ? '' : `${hour}:${minute}:${second}`;
}
