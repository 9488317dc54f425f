import type { PlacedColumn } from './column.choice.js';

/** The rules for the visit of a row, and for allergies, medications and procedures that are kept as text. */
export function draftRecords(columns: readonly PlacedColumn[], date: (category: string) => object): object {
  const copy = (member: string, meaning: string): object => {
    const found = columns.find((column) => column.meaning === meaning);
    return found === undefined ? {} : { [member]: { copy: found.field } };
  };
  const begun = { ...copy('number', 'visit_number'), ...copy('start', 'visit_date') };
  const visit = { ...begun, ...copy('end', 'discharge_date'), ...copy('class', 'visit_class') };
  const statements = (meaning: string) => columns.filter((column) => column.meaning === meaning);
  // An allergy and a medication hold for longer than a day, so the date of the row is not theirs.
  const done = (column: PlacedColumn): object => ({ ...texts(column), ...date('vital-signs') });
  return {
    ...(Object.keys(begun).length === 0 ? {} : { visit }),
    allergies: statements('allergies').map((column) => texts(column)),
    medications: statements('medications').map((column) => texts(column)),
    procedures: statements('procedures').map((column) => done(column)),
  };
}

const texts = (column: PlacedColumn): object => ({
  texts: { split: column.field, by: separatorsIn(column) },
});

/**
 * The separators of the items of a column. If no other sign separates allergies, a comma does. A comma never separates medications, because
 * a dose such as "2,5 mg" can contain it.
 */
function separatorsIn({ meaning, profile: { separators } }: PlacedColumn): string[] {
  const sure = ['|', ';', '\n'].filter((sign) => separators.has(sign));
  if (sure.length > 0) return sure;
  return [meaning === 'allergies' ? ',' : ';'];
}
