/** The meanings that identify the patient. */
export const IDENTIFYING: ReadonlySet<string> = new Set([
  'mrn',
  'cpf',
  'cns',
  'nhs_number',
  'nir',
  'kvnr',
  'dni',
  'passport',
  'national_id',
  'insurance_number',
]);

/** Meanings of columns that are known, but not imported, each with the reason. */
export const UNUSED: ReadonlyMap<string, string> = new Map([
  ['row_number', 'A number that counts the rows is not imported.'],
  ['age', 'An age is not imported, because it changes. The birth date is used.'],
  ['other_person', 'The name of another person is not imported.'],
  ['not_imported', 'A mapping has no place for this information.'],
]);

/** A meaning in words, for example `birth date`. */
export const meaningInWords = (meaning: string): string => meaning.replaceAll('_', ' ');
