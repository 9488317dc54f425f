import type { Specimen } from '@medplum/fhirtypes';
import type { RowReading } from '../row.reading.js';
import { foldText } from '../words/folding.js';
import type { SpecimenRule } from './record.rules.js';

/** The specimen of a result, and the text that distinguishes it from other specimens. */
export interface ReadSpecimen {
  readonly resource: Specimen & { readonly id: string };
  readonly identity: { readonly text: string; readonly isNumber: boolean };
}

/** Reads the specimen of a result. The value is undefined when the row names none. The result contains it, because lists describe no specimen on its own. */
export function readSpecimen(reading: RowReading, rule: SpecimenRule): ReadSpecimen | undefined {
  const number = rule.number === undefined ? undefined : reading.value(rule.number)?.text;
  const type = rule.type === undefined ? undefined : reading.value(rule.type)?.text;
  if (number === undefined && type === undefined) return undefined;
  const { system } = rule;
  return {
    resource: {
      resourceType: 'Specimen',
      id: 'specimen',
      ...(number === undefined
        ? {}
        : { accessionIdentifier: { ...(system === undefined ? {} : { system }), value: number } }),
      ...(type === undefined ? {} : { type: { text: type } }),
    },
    identity: { text: number ?? foldText(type ?? ''), isNumber: number !== undefined },
  };
}
