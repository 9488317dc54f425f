import type { Narrative, Patient } from '@medplum/fhirtypes';
import type { MappingDocument } from '../mapping.document.js';
import type { PatientRecord } from './record.kinds.js';
import { narrativeText } from './narrative.js';

type Described = Patient | PatientRecord;

/** The resource with the metadata that the mapping demands. */
export function withMetadata<Kind extends Described>(resource: Kind, { meta }: MappingDocument): Kind {
  if (meta === undefined) return resource;
  const profile = [
    ...new Set([...(resource.meta?.profile ?? []), ...(meta.profiles[resource.resourceType] ?? [])]),
  ];
  const { source } = meta;
  const described = {
    ...resource.meta,
    ...(profile.length === 0 ? {} : { profile }),
    ...(source === undefined ? {} : { source }),
  };
  return Object.assign({}, resource, {
    ...(Object.keys(described).length === 0 ? {} : { meta: described }),
    ...(meta.narrative ? { text: narrativeOf(resource) } : {}),
  });
}

/** The narrative of a resource (R4 §2.4). */
const narrativeOf = (resource: Described): Narrative => ({
  status: 'generated',
  div: narrativeText(resource),
});

/**
 * The changed resource with a narrative that fits its content, if the narrative of the existing resource was generated from its content. The
 * narratives of other systems are kept.
 */
export function withNarrative<Kind extends Described>(existing: Kind, changed: Kind): Kind {
  const { text } = existing;
  if (text?.status !== 'generated' || text.div !== narrativeText(existing)) return changed;
  return Object.assign({}, changed, { text: narrativeOf(changed) });
}
