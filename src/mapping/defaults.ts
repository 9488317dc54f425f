import brazil from './brazil.mapping.json' with { type: 'json' };
import english from './english.mapping.json' with { type: 'json' };
import terms from './words/terms.concept-map.json' with { type: 'json' };
import { TermConceptMap } from './words/concept.map.js';
import { MappingDocument } from './mapping.document.js';

/** The shipped mapping documents. The first document is the default. */
export const SHIPPED_MAPPINGS: readonly MappingDocument[] = [brazil, english].map((document) =>
  MappingDocument.parse(document),
);

/** The shipped ConceptMap: known words with their concepts. */
export const SHIPPED_TERMS: TermConceptMap = TermConceptMap.parse(terms);
