import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from './canonical.json.js';
import { DOCUMENT_TEXTS } from './document.texts.js';
import { Expression, Split } from './values/expression.js';
import { DATE_FORMATS, isShortYear } from './values/dates.js';
import { isTimeZone } from './values/times.js';
import { PLACEHOLDERS } from './values/record.number.js';
import { MetadataRule, RECORD_RULES } from './records/record.rules.js';
import { ObservationRule } from './observation.rule.js';

const Field = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/);
const Uri = z
  .string()
  .max(255)
  .regex(/^[a-z][a-z0-9+.-]*:\S+$/i);
const SEVERITY = ['error', 'warning'] as const;

const Validator = z.discriminatedUnion('rule', [
  z.strictObject({
    rule: z.literal('max_length'),
    value: z.int().min(1).max(65_536),
    severity: z.enum(SEVERITY),
  }),
  z.strictObject({
    rule: z.literal('one_of'),
    values: z.array(z.string()).min(1).max(1_000),
    severity: z.enum(SEVERITY),
  }),
]);

const Column = z
  .strictObject({
    type: z.enum(['text', 'identifier', 'date', 'number', 'list']).default('text'),
    required: z.boolean().default(false),
    formats: z.array(z.enum(DATE_FORMATS)).min(1).optional(),
    pivot: z
      .int()
      .min(0)
      .max(99)
      .optional()
      .describe(
        'The last year of two digits that belongs to the 21st century. With 30, 30 is 2030 and 31 is 1931.',
      ),
    validators: z.array(Validator).max(8).default([]),
  })
  .refine(({ formats = [], pivot }) => pivot !== undefined || !formats.some(isShortYear), {
    path: ['pivot'],
    error: 'A format with a year of two digits needs a pivot.',
  });

const IdentifierRule = z.strictObject({
  column: Field,
  kind: z.enum(['cpf', 'national', 'text']),
  system: Uri,
  aliases: z.array(Uri).max(8).default([]),
  use: z.enum(['usual', 'official', 'secondary']).default('usual'),
  type: z.enum(['TAX', 'MR', 'HC', 'NI', 'PPN']),
  scope: z
    .enum(['global', 'facility'])
    .optional()
    .describe('`facility`: the number is unique only within the facility that sends the list.'),
  placeholders: z
    .array(z.string().min(1).max(40))
    .max(64)
    .default([...PLACEHOLDERS]),
});

/** The order of the parts of a whole name. */
const NAME_ORDERS = ['given-first', 'family-first'] as const;

const PatientRule = z.strictObject({
  name: z.union([
    z.strictObject({ text: Expression, order: z.enum(NAME_ORDERS).optional() }),
    z.strictObject({ family: Expression, given: Expression }),
  ]),
  gender: Expression.optional(),
  birth_date: Expression.optional(),
  phones: z.array(Expression).max(4).default([]),
  emails: z.array(Expression).max(4).default([]),
  address: z
    .strictObject({
      line: Expression.optional(),
      city: Expression.optional(),
      state: Expression.optional(),
      postal_code: Expression.optional(),
      country: Expression.optional(),
    })
    .optional(),
  birth_country: Expression.optional(),
});

const WordsRule = z.strictObject({
  words: Split,
  onsets: Split.optional(),
  codes: Split.extend({ system: z.string().max(255) })
    .optional()
    .describe(
      'The ICD-10 codes of the words, in the same order. It can be the column of the words itself, for cells such as `I10` or `E11.9 Type 2 diabetes`. `system` is the URI of ICD-10 or of its national version.',
    ),
  language: z.enum(['pt', 'en', 'es']),
  verification: z.enum(['unconfirmed', 'provisional', 'confirmed']).default('unconfirmed'),
});

const Policies = z.strictObject({
  cpf_check_digits: z.enum(['error', 'warn', 'off']).default('warn'),
  duplicate_in_file: z.enum(['error', 'first', 'last', 'merge']).default('error'),
  patient: z.enum(['upsert', 'create_only']).default('upsert'),
  absent: z.literal('keep').default('keep'),
  unknown_words: z.enum(['wait', 'text_only']).default('wait'),
  bad_measurement: z
    .enum(['leave_out', 'reject'])
    .default('leave_out')
    .describe('Whether an invalid measurement is left out with a warning, or rejects the row.'),
});

/**
 * A mapping document. It describes the meaning of the columns of a file as data, without program code. A stored version never changes, and
 * an import keeps the version that it started with. Unknown members are invalid. References to undeclared columns or tables are invalid
 * too.
 */
export const MappingDocument = z
  .strictObject({
    format: z.literal(1),
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
    version: z.int().min(1),
    title: z.string().max(200),
    profile: z.enum(['r4', 'br-core']).default('r4'),
    as_of: z.iso.date().optional(),
    source: z.strictObject({
      encoding: z.string().max(32).optional(),
      delimiter: z.enum([',', ';', '\t', '|']).optional(),
      aliases: z.record(Field, z.array(z.string().min(1).max(100)).max(40)),
      country: z.string().regex(/^[A-Z]{2}$/),
      zone: z
        .string()
        .refine(isTimeZone, 'The time zone is unknown. Use a name such as America/Sao_Paulo.')
        .optional()
        .describe('The time zone of times without a zone (IANA), for example America/Sao_Paulo.'),
    }),
    columns: z.record(Field, Column),
    tables: z.record(Field, z.record(z.string(), z.string())).default({}),
    identifiers: z.array(IdentifierRule).min(1).max(8),
    patient: PatientRule,
    words: z.array(WordsRule).max(8).default([]),
    observations: z.array(ObservationRule).max(64).default([]),
    ...RECORD_RULES,
    meta: MetadataRule.optional().describe('The metadata of the resources.'),
    policies: Policies.prefault({}),
  })
  .superRefine((document, context) => {
    const fields = new Set(Object.keys(document.columns));
    const tables = new Set(Object.keys(document.tables));
    for (const { kind, name, path } of referencesIn(document)) {
      const known = kind === 'table' ? tables : fields;
      if (!known.has(name))
        context.addIssue({ code: 'custom', path, message: `The ${kind} ${name} is not declared.` });
    }
    for (const name of Object.keys(document.source.aliases))
      if (!fields.has(name))
        context.addIssue({
          code: 'custom',
          path: ['source', 'aliases', name],
          message: `The column ${name} is not declared.`,
        });
  })
  .meta({ memberTexts: DOCUMENT_TEXTS });
export type MappingDocument = z.infer<typeof MappingDocument>;

interface Reference {
  readonly kind: 'column' | 'table';
  readonly name: string;
  readonly path: (string | number)[];
}

/** The members of a document that contain rules. */
const RULES = [
  'identifiers',
  'patient',
  'words',
  'observations',
  'visit',
  'allergies',
  'medications',
  'procedures',
] as const;

/** The columns and tables that rules refer to, each with its path in the document. */
const referencesIn = (document: Readonly<Partial<Record<(typeof RULES)[number], unknown>>>): Reference[] =>
  RULES.flatMap((name) => walk(document[name], [name]));

function walk(node: unknown, path: (string | number)[]): Reference[] {
  if (Array.isArray(node)) return node.flatMap((item: unknown, at) => walk(item, [...path, at]));
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([name, value]: [string, unknown]): Reference[] => {
    const here = [...path, name];
    if (typeof value !== 'string') return walk(value, here);
    if (['copy', 'lookup', 'split', 'column'].includes(name))
      return [{ kind: 'column', name: value, path: here }];
    if (name === 'table') return [{ kind: 'table', name: value, path: here }];
    if (name !== 'template') return [];
    return [...value.matchAll(/\{([^}]*)\}/gu)].map(([, field = '']) => ({
      kind: 'column',
      name: field,
      path: here,
    }));
  });
}

/** The SHA-256 (hex) of a document. The order of the members does not change the hash. */
export const documentHash = (document: MappingDocument): string =>
  createHash('sha256').update(canonicalJson(document)).digest('hex');
