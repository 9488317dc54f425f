import type { Encounter } from '@medplum/fhirtypes';
import type { MappingContext, PlannedResult } from '../row.plan.js';
import type { RowReading } from '../row.reading.js';
import type { Subject } from '../words/words.mapping.js';
import { type FurtherRecord, recordKey } from './record.kinds.js';
import { mapStatements } from './statements.mapping.js';
import { mapVisit } from './visit.mapping.js';

/** The visit of a row and its statements. `visit` is also in `further`. */
export interface MappedFurther {
  readonly visit: Encounter | undefined;
  readonly further: readonly FurtherRecord[];
  readonly results: ReadonlyMap<string, PlannedResult>;
}

/** Makes the visit of a row, and its allergies, medications and procedures. */
export function mapFurther(reading: RowReading, subject: Subject, context: MappingContext): MappedFurther {
  const visit = mapVisit(reading, subject, context);
  const { records, results } = mapStatements(reading, subject, context);
  const encounter = visit?.encounter;
  return {
    visit: encounter,
    further: [...(encounter === undefined ? [] : [encounter]), ...records.values()],
    results: new Map([
      ...(visit === undefined ? [] : [[recordKey(visit.encounter), visit.result] as const]),
      ...results,
    ]),
  };
}
