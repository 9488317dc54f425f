import { indexConceptMap, lookUpIn } from '../../src/mapping/words/concept.map.js';
import { SHIPPED_TERMS } from '../../src/mapping/defaults.js';
import type { MappingContext } from '../../src/mapping/row.plan.js';

/** The context in which the tests apply a mapping: a test key and the shipped words. */
export const context: MappingContext = {
  key: new Uint8Array(32).fill(7),
  today: '2026-03-01',
  lookUp: lookUpIn(indexConceptMap(SHIPPED_TERMS)),
};
