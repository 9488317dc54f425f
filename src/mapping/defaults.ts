import brazil from './brazil.mapping.json' with { type: 'json' };
import english from './english.mapping.json' with { type: 'json' };
import terms from './words/terms.concept-map.json' with { type: 'json' };
import { TermConceptMap } from './words/concept.map.js';
import { MappingDocument } from './mapping.document.js';

/** The mapping documents that are shipped, by name; the first is the one that is taken when none is named. */
export const SHIPPED_MAPPINGS: readonly MappingDocument[] = [brazil, english].map((document) =>
  MappingDocument.parse(document),
);

/** The words that are shipped. */
export const SHIPPED_TERMS: TermConceptMap = TermConceptMap.parse(terms);
