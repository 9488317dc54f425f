import { createHash } from 'node:crypto';
import { MappingDocument } from '../mapping.document.js';
import type { PlacedColumn } from './column.choice.js';
import type { ColumnDates } from './day.order.js';
import { draftIdentifiers, identifierColumns } from './draft.identifiers.js';
import { draftPatient, NO_NAME } from './draft.patient.js';
import { headerKey } from './header.dictionary.js';
import type { ListOrigin } from './list.origin.js';
import { MEASURED_KINDS } from './measured.kinds.js';

/** The parts of a draft that were made from the columns. */
export interface DraftParts {
  readonly names: readonly string[];
  readonly columns: readonly PlacedColumn[];
  readonly origin: ListOrigin;
  readonly dates: ReadonlyMap<string, ColumnDates>;
  readonly gender: Readonly<Record<string, string>> | undefined;
  readonly words: readonly object[];
  readonly observations: readonly object[];
  /** The visit, and the statements that are kept as text. */
  readonly records: object;
  /** The last year of two digits that belongs to the 21st century. */
  readonly pivot: number;
}

const NAMES = new Set(['full_name', 'family_name', 'given_name']);
/** The most characters of the title of a mapping. */
const LONGEST_TITLE = 200;

/**
 * The mapping document of a list, and the columns that its rules use. A column without a rule is not declared, so that an import lists it
 * among the ignored columns. The document is undefined if no column identifies the patients, because a mapping needs an identifier.
 */
export function draftDocument(parts: DraftParts): {
  readonly draft?: MappingDocument;
  readonly used: ReadonlySet<string>;
} {
  const { names, origin, gender, words, observations, records } = parts;
  const rules = {
    identifiers: draftIdentifiers(parts.columns),
    patient: draftPatient(parts.columns),
    words,
    observations,
    ...records,
  };
  const used = new Set(fieldsIn(rules));
  const columns = parts.columns.filter(({ field }) => used.has(field));
  const [identifier] = identifierColumns(columns);
  if (identifier === undefined) return { used };
  const hasName = columns.some(({ meaning }) => NAMES.has(meaning));
  const title = `Draft for a list with the columns ${names.join(', ')}`;
  const draft = MappingDocument.parse({
    format: 1,
    name: `list-${hashOf(names)}`,
    version: 1,
    title: title.length > LONGEST_TITLE ? `${title.slice(0, LONGEST_TITLE - 1)}…` : title,
    source: {
      country: origin.country,
      ...(origin.zone === undefined ? {} : { zone: origin.zone }),
      aliases: Object.fromEntries(
        columns.map(({ field, header, isOff }) => [field, isOff === true ? [] : [header.slice(0, 100)]]),
      ),
    },
    columns: Object.fromEntries([
      ...columns.map((column) => [column.field, columnRule(column, parts)] as const),
      ...(hasName ? [] : [[NO_NAME, {}] as const]),
    ]),
    tables: gender === undefined ? {} : { gender },
    ...rules,
    // A list with several rows for one patient is merged. Rows that contradict each other wait for a decision.
    policies: identifier.profile.repeated > 0 ? { duplicate_in_file: 'merge' } : {},
  });
  return { draft, used };
}

/** The members of rules that name a column. */
const NAMING = new Set(['copy', 'lookup', 'split', 'column']);

/** The columns that rules name. */
function fieldsIn(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([member, value]: [string, unknown]): string[] => {
    if (typeof value !== 'string') return fieldsIn(value);
    if (NAMING.has(member)) return [value];
    if (member !== 'template') return [];
    return [...value.matchAll(/\{([^}]*)\}/gu)].map(([, field = '']) => field);
  });
}

function columnRule(column: PlacedColumn, { columns, dates, pivot }: DraftParts): object {
  const { field, meaning } = column;
  const identifiers = identifierColumns(columns);
  if (identifiers.some((one) => one.field === field))
    return { type: 'identifier', ...(identifiers.length === 1 ? { required: true } : {}) };
  const date = dates.get(field);
  if (date !== undefined)
    return {
      type: meaning === 'onset' ? 'list' : 'date',
      formats: date.formats,
      ...(date.hasShortYear ? { pivot } : {}),
    };
  if (MEASURED_KINDS.has(meaning)) return { type: 'number' };
  return ['diagnoses', 'diagnosis_code', 'allergies', 'medications', 'procedures'].includes(meaning)
    ? { type: 'list' }
    : {};
}

/** A short text that is the same for lists with the same column names. */
const hashOf = (names: readonly string[]): string =>
  createHash('sha256')
    .update(JSON.stringify(names.map((name) => headerKey(name)).sort()))
    .digest('hex')
    .slice(0, 8);
