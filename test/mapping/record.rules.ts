/** The members of a mapping for visits, allergies, medications and procedures, as the tests use them. */
export const RECORD_RULES = {
  visit: {
    number: { copy: 'visit' },
    system: 'urn:test:visits',
    start: { copy: 'admitted' },
    end: { copy: 'discharged' },
    class: { copy: 'kind' },
  },
  allergies: [{ texts: { split: 'allergies', by: [';'] } }],
  medications: [{ texts: { split: 'drugs', by: [';'] } }],
  procedures: [{ texts: { split: 'surgery', by: [';'] }, date: { copy: 'surgery_date' } }],
} as const;
