import type { DocumentReference, Provenance } from '@medplum/fhirtypes';
import { steadyUuid } from './values/identity.js';

/** The identifier system for the SHA-256 of a file. `Attachment.hash` cannot be used, because in R4 this element contains a SHA-1. */
export const FILE_SYSTEM = 'urn:radgate:file-sha-256';
const MAPPING_SYSTEM = 'urn:radgate:mapping';
const TYPES = 'http://terminology.hl7.org/CodeSystem';

/** The file of an import. The name of the file is left out, because file names can contain names of patients. */
export interface SourceFile {
  /** SHA-256 in hex. */
  readonly sha256: string;
  readonly bytes: number;
  /** The time of the upload (RFC 3339). */
  readonly received: string;
}

/** A DocumentReference for the uploaded file. Its identifier is the hash of the file. It contains no data of the file. */
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

/** The facts in a Provenance: the account, the chunk, the file, the mapping and the written resources. */
export interface ImportFacts {
  /** The key of the chunk. Equal keys give equal Provenance ids. */
  readonly chunk: string;
  /**
   * References of all written resources: `Patient/…`, or `urn:uuid:…` for a resource in the same transaction. The list has at least one
   * reference.
   */
  readonly targets: readonly string[];
  readonly recorded: string;
  /** The account that uploaded the file. */
  readonly agent: { readonly system: string; readonly value: string; readonly display?: string };
  readonly fileSha256: string;
  readonly mapping: { readonly name: string; readonly version: number };
}

/** The id of the Provenance of a chunk. */
export const provenanceId = (chunk: string): string => steadyUuid(`provenance ${chunk}`);

/** The Provenance of a chunk. In R4, a Provenance has no identifier, so the id is derived from the chunk. Write the Provenance with PUT. */
export function makeProvenance(facts: ImportFacts): Provenance & { readonly id: string } {
  const { agent, mapping } = facts;
  return {
    resourceType: 'Provenance',
    id: provenanceId(facts.chunk),
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
