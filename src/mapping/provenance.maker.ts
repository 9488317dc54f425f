import type { DocumentReference, Provenance } from '@medplum/fhirtypes';
import { steadyUuid } from './values/identity.js';

/** The system of a file's SHA-256; R4's `Attachment.hash` is SHA-1. */
export const FILE_SYSTEM = 'urn:radgate:file-sha-256';
const MAPPING_SYSTEM = 'urn:radgate:mapping';
const TYPES = 'http://terminology.hl7.org/CodeSystem';

/** The file an import came from; its name is left out, since people put names of patients there. */
export interface SourceFile {
  /** SHA-256 in hex. */
  readonly sha256: string;
  readonly bytes: number;
  /** When it arrived (RFC 3339). */
  readonly received: string;
}

/** The uploaded file as a DocumentReference that is found by its hash; it holds no data of it. */
export function makeDocumentReference(file: SourceFile): DocumentReference {
  return {
    resourceType: 'DocumentReference',
    identifier: [{ system: FILE_SYSTEM, value: file.sha256 }],
    status: 'current',
    date: file.received,
    description: 'A list of patients that was imported',
    content: [{ attachment: { contentType: 'text/csv', size: file.bytes, creation: file.received } }],
  };
}

/** Who imported which part of a file by which mapping. */
export interface ImportFacts {
  /** What this chunk is known by: the same chunk gives the same Provenance. */
  readonly chunk: string;
  /** References of all resources that were written: `Patient/…` or `urn:uuid:…` of the same transaction; one at least. */
  readonly targets: readonly string[];
  readonly recorded: string;
  /** The account, by our own system and id. */
  readonly agent: { readonly system: string; readonly value: string; readonly display?: string };
  readonly fileSha256: string;
  readonly mapping: { readonly name: string; readonly version: number };
}

/** One Provenance for a chunk of rows. R4 gives it no identifier, so its id is steady: write it by PUT. */
export function makeProvenance(facts: ImportFacts): Provenance {
  const { agent, mapping } = facts;
  return {
    resourceType: 'Provenance',
    id: steadyUuid(`provenance ${facts.chunk}`),
    target: facts.targets.map((reference) => ({ reference })),
    recorded: facts.recorded,
    activity: { coding: [{ system: `${TYPES}/v3-DataOperation`, code: 'UPDATE' }] },
    agent: [
      {
        type: { coding: [{ system: `${TYPES}/provenance-participant-type`, code: 'enterer' }] },
        who: {
          identifier: { system: agent.system, value: agent.value },
          ...(agent.display === undefined ? {} : { display: agent.display }),
        },
      },
    ],
    entity: [
      {
        role: 'source',
        what: { type: 'DocumentReference', identifier: { system: FILE_SYSTEM, value: facts.fileSha256 } },
      },
      {
        role: 'derivation',
        what: { identifier: { system: MAPPING_SYSTEM, value: `${mapping.name}/${mapping.version}` } },
      },
    ],
  };
}
