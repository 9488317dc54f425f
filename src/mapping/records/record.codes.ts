/** Warnings about codes, visits and statements that are kept as text. */
export const RECORD_WARNINGS = {
  'text-negated': [
    'A text denies something, doubts it, or is about another person. It is left out.',
    'Correct the cell. If the text says that there is nothing, add it to `none` of the mapping.',
  ],
  'text-unclear': [
    'A text names nothing, for example “yes” or “x”. It is left out.',
    'Write the name. If the text says that there is nothing, add it to `none` of the mapping.',
  ],
  'icd-code-contradicts': [
    'A word and its ICD-10 code say different things. Neither is written.',
    'Correct the word or the code, then send the row again.',
  ],
  'visit-incomplete': [
    'A visit has neither a number nor a start. It is left out.',
    'Fill in the number or the start.',
  ],
  'visit-dates': ['A visit ends before it starts. The end is left out.', 'Correct one of the two dates.'],
  'visit-class-unknown': [
    'The class of a visit is unknown. The visit is written without it.',
    'Use a code such as AMB, IMP or EMER, or a table of the mapping.',
  ],
} as const;

/** Codes about statements and code maps that need no action. */
export const RECORD_INFORMATION = {
  'text-none': ['A text says that there is nothing to record.', 'Nothing to do.'],
  'icd-code-ambiguous': [
    'The code maps give several SNOMED CT concepts for an ICD-10 code. Only the ICD-10 code is used.',
    'Nothing to do.',
  ],
} as const;
