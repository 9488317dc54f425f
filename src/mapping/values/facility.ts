import type { MappingDocument } from '../mapping.document.js';

type IdentifierRule = MappingDocument['identifiers'][number];

/** Identifier systems of the shipped mappings that name no sender. */
const WITHOUT_SENDER = 'urn:radgate:';

/** Whether the numbers of an identifier are unique only within the facility that sends the list. */
const isOfFacility = ({ scope, system }: IdentifierRule): boolean =>
  scope === undefined ? system.startsWith(WITHOUT_SENDER) : scope === 'facility';

/**
 * The system of an identifier in the list of a facility: the URI of the facility and the last part of the system of the mapping
 * (`urn:radgate:mrn` of `urn:clinic:north` is `urn:clinic:north:mrn`). Without a facility, and for a number that is unique everywhere, it is
 * the system of the mapping.
 */
export function systemOf(rule: IdentifierRule, facility: string | undefined): string {
  if (facility === undefined || !isOfFacility(rule)) return rule.system;
  const name = /[^:/]+$/u.exec(rule.system.replace(/[:/]+$/u, ''))?.[0] ?? 'id';
  const base = facility.replace(/[:/]+$/u, '');
  return `${base}${base.includes('/') ? '/' : ':'}${name}`;
}

/** The URI of a facility from the issuer of an account, which need not be a URI. */
export const facilityOfIssuer = (issuer: string): string =>
  /^[a-z][a-z0-9+.-]*:\S+$/iu.test(issuer) ? issuer : `urn:radgate:facility:${encodeURIComponent(issuer)}`;
