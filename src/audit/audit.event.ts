import { createHash } from 'node:crypto';
import type { AuditEvent, AuditEventAgent, AuditEventEntity, Bundle, Coding } from '@medplum/fhirtypes';
import type { FoundRow } from './audit.search.js';

const DCM = 'http://dicom.nema.org/resources/ontology/DCM';
const EVENT = 'http://terminology.hl7.org/CodeSystem/audit-event-type';
const INTERACTION = 'http://hl7.org/fhir/restful-interaction';
const ENTITY = 'http://terminology.hl7.org/CodeSystem/audit-entity-type';
const ROLE = 'http://terminology.hl7.org/CodeSystem/object-role';
const PARTICIPATION = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType';

const VERBS: Readonly<Record<string, { action: NonNullable<AuditEvent['action']>; code: string }>> = {
  GET: { action: 'R', code: 'read' },
  read: { action: 'R', code: 'read' },
  POST: { action: 'C', code: 'create' },
  PUT: { action: 'U', code: 'update' },
  PATCH: { action: 'U', code: 'patch' },
  DELETE: { action: 'D', code: 'delete' },
};

/**
 * Returns a page of rows as a FHIR R4 Bundle of AuditEvents. The agents (client, server, user) and entities (patient, object, request)
 * follow the patterns of IHE BALP 1.1.
 */
export function auditBundle(rows: readonly FoundRow[], site: string): Bundle {
  return {
    resourceType: 'Bundle',
    type: 'collection',
    timestamp: new Date().toISOString(),
    entry: rows.map((row) => ({ fullUrl: `urn:uuid:${uuidOf(row)}`, resource: auditEvent(row, site) })),
  };
}

function auditEvent(row: FoundRow, site: string): AuditEvent {
  const verb = VERBS[row.action.split(' ', 1)[0] ?? ''] ?? { action: 'E' as const, code: 'operation' };
  return {
    resourceType: 'AuditEvent',
    type: { system: EVENT, code: 'rest', display: 'RESTful Operation' },
    subtype: [
      isSignIn(row)
        ? { system: DCM, code: '110122', display: 'Login' }
        : { system: INTERACTION, code: verb.code },
      ...(row.studyUid === null
        ? []
        : [{ system: DCM, code: '110103', display: 'DICOM Instances Accessed' }]),
    ],
    action: isSignIn(row) ? 'E' : verb.action,
    recorded: (row.at ?? new Date(0)).toISOString(),
    outcome: outcomeOf(row),
    outcomeDesc: row.status === null ? row.action : `${row.action}: ${row.status}`,
    agent: [client(row), server(site), ...user(row)],
    source: {
      site,
      observer: { display: 'Radgate' },
      type: [
        {
          system: 'http://terminology.hl7.org/CodeSystem/security-source-type',
          code: '4',
          display: 'Application Server',
        },
      ],
    },
    entity: [...patient(row), ...study(row), ...request(row)],
  };
}

const isSignIn = ({ action }: FoundRow) => action === 'POST /api/auth/login';

function outcomeOf({ status, kind }: FoundRow): NonNullable<AuditEvent['outcome']> {
  if (kind === 'refused') return '4';
  if (status === null || status < 400) return '0';
  return status < 500 ? '4' : '8';
}

function client({ address, client: software }: FoundRow): AuditEventAgent {
  return {
    type: { coding: [coding(DCM, '110153', 'Source Role ID')] },
    who: { display: software === '' ? address : software },
    requestor: false,
    network: { address, type: '2' },
  };
}

function server(site: string): AuditEventAgent {
  return {
    type: { coding: [coding(DCM, '110152', 'Destination Role ID')] },
    who: { display: 'Radgate' },
    requestor: false,
    network: { address: site, type: '5' },
  };
}

function user({ accountId, accountName, via }: FoundRow): AuditEventAgent[] {
  if (accountId === null) return [];
  return [
    {
      type: { coding: [coding(PARTICIPATION, 'IRCP', 'information recipient')] },
      who: { identifier: { value: accountId }, display: accountName ?? accountId },
      name: accountName ?? accountId,
      requestor: true,
      ...(via === null ? {} : { policy: [`urn:radgate:via:${via}`] }),
    },
  ];
}

function patient({ patientIssuer, patientId }: FoundRow): AuditEventEntity[] {
  if (patientId === null || patientId === '') return [];
  const assigner = patientIssuer === null ? {} : { assigner: { display: patientIssuer } };
  return [
    {
      what: { type: 'Patient', identifier: { value: patientId, ...assigner } },
      type: coding(ENTITY, '1', 'Person'),
      role: coding(ROLE, '1', 'Patient'),
    },
  ];
}

function study({ studyUid, instances, frames, bytes, requests }: FoundRow): AuditEventEntity[] {
  if (studyUid === null) return [];
  const counts = Object.entries({ requests, instances, frames, bytes }).filter(([, count]) => count !== null);
  return [
    {
      what: {
        type: 'ImagingStudy',
        identifier: { system: 'urn:dicom:uid', value: `urn:oid:${studyUid}` },
      },
      type: coding(ENTITY, '2', 'System Object'),
      role: coding(ROLE, '3', 'Report'),
      ...(counts.length === 0
        ? {}
        : { detail: counts.map(([type, count]) => ({ type, valueString: String(count) })) }),
    },
  ];
}

function request({ requestId }: FoundRow): AuditEventEntity[] {
  if (requestId === null) return [];
  return [
    {
      what: { identifier: { value: requestId } },
      type: coding(
        'https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType',
        'XrequestId',
        'X-Request-Id',
      ),
    },
  ];
}

function coding(system: string, code: string, display: string): Coding {
  return { system, code, display };
}

/** Derives a UUID from the key of the row. The same row is therefore the same resource in every response. */
function uuidOf({ id, at }: FoundRow): string {
  const hex = createHash('sha256').update(`${id} ${at?.toISOString()}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
