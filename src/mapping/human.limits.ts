import { convertUnits } from './values/units.js';

/** The limits of a human measurement: the UCUM unit, the least and the greatest possible value. */
type Limits = readonly [ucum: string, low: number, high: number];

/**
 * What a living human can have, by LOINC code. The limits are wide: they find exchanged columns, wrong units and typing errors, and are
 * not reference ranges.
 */
const LIMITS: ReadonlyMap<string, Limits> = new Map<string, Limits>([
  ['29463-7', ['kg', 0.2, 650]],
  ['3141-9', ['kg', 0.2, 650]],
  ['8302-2', ['cm', 20, 280]],
  ['3137-7', ['cm', 20, 280]],
  ['39156-5', ['kg/m2', 5, 250]],
  ['9843-4', ['cm', 10, 100]],
  ['8480-6', ['mm[Hg]', 20, 400]],
  ['8462-4', ['mm[Hg]', 5, 300]],
  ['8478-0', ['mm[Hg]', 10, 350]],
  ['8867-4', ['/min', 5, 400]],
  ['9279-1', ['/min', 1, 150]],
  ['8310-5', ['Cel', 13, 47]],
  ['8331-1', ['Cel', 13, 47]],
  ['2708-6', ['%', 10, 100]],
  ['59408-5', ['%', 10, 100]],
  ['2339-0', ['mg/dL', 2, 4000]],
  ['2345-7', ['mg/dL', 2, 4000]],
  ['1558-6', ['mg/dL', 2, 4000]],
  ['15074-8', ['mmol/L', 0.1, 220]],
  ['14749-6', ['mmol/L', 0.1, 220]],
  ['4548-4', ['%', 2, 30]],
  ['59261-8', ['mmol/mol', 5, 300]],
  ['718-7', ['g/dL', 0.5, 30]],
  ['4544-3', ['%', 2, 90]],
  ['2160-0', ['mg/dL', 0.01, 80]],
  ['14682-9', ['umol/L', 1, 7000]],
  ['2823-3', ['mmol/L', 0.5, 20]],
  ['6298-4', ['mmol/L', 0.5, 20]],
  ['2951-2', ['mmol/L', 80, 220]],
  ['2947-0', ['mmol/L', 80, 220]],
  ['2075-0', ['mmol/L', 40, 200]],
  ['17861-6', ['mg/dL', 1, 30]],
  ['6690-2', ['10*3/uL', 0, 2000]],
  ['26464-8', ['10*3/uL', 0, 2000]],
  ['777-3', ['10*3/uL', 0, 6000]],
  ['26515-7', ['10*3/uL', 0, 6000]],
  ['789-8', ['10*6/uL', 0.1, 20]],
  ['2093-3', ['mg/dL', 5, 3000]],
  ['2571-8', ['mg/dL', 2, 30000]],
  ['2085-9', ['mg/dL', 1, 300]],
  ['13457-7', ['mg/dL', 0, 2500]],
  ['2089-1', ['mg/dL', 0, 2500]],
  ['3094-0', ['mg/dL', 0.5, 500]],
  ['1975-2', ['mg/dL', 0, 100]],
  ['1742-6', ['U/L', 0, 50000]],
  ['1920-8', ['U/L', 0, 50000]],
  ['2744-1', ['[pH]', 6.3, 8.2]],
]);

/**
 * Whether a value can occur in a human, by LOINC code. `ucum` is the unit of the value. A value with a unit that cannot be converted to
 * the unit of the limits is not checked.
 */
export function isHuman(loinc: string, value: number, ucum: string): boolean {
  const limits = LIMITS.get(loinc);
  const converted = limits === undefined ? undefined : convertUnits(value, ucum, limits[0]);
  return (
    limits === undefined || converted === undefined || (converted >= limits[1] && converted <= limits[2])
  );
}

/** Systolic and diastolic blood pressure (LOINC). The first is never below the second. */
export const SYSTOLIC = '8480-6';
export const DIASTOLIC = '8462-4';
