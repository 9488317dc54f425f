import { NATIONAL_NUMBERS } from './check.digits.js';
import type { PlacedColumn } from './column.choice.js';

/** The systems of the identifiers. A number of the hospital belongs to the facility that sends the list. */
const SYSTEMS: Readonly<
  Record<string, { readonly system: string; readonly type: 'TAX' | 'MR' | 'HC' | 'NI' | 'PPN' }>
> = {
  mrn: { system: 'urn:radgate:mrn', type: 'MR' },
  cpf: { system: 'https://saude.gov.br/fhir/sid/cpf', type: 'TAX' },
  cns: { system: 'https://saude.gov.br/fhir/sid/cns', type: 'HC' },
  nhs_number: { system: 'https://fhir.nhs.uk/Id/nhs-number', type: 'HC' },
  nir: { system: 'urn:oid:1.2.250.1.213.1.4.8', type: 'HC' },
  kvnr: { system: 'http://fhir.de/sid/gkv/kvid-10', type: 'HC' },
  dni: { system: 'urn:radgate-id:es:dni', type: 'NI' },
  // The country and the issuer of these numbers are not known, so they count only within the facility.
  national_id: { system: 'urn:radgate:national-id', type: 'NI' },
  insurance_number: { system: 'urn:radgate:insurance-number', type: 'HC' },
  passport: { system: 'urn:radgate-id:passport', type: 'PPN' },
};
const CPF_ALIASES = ['http://rnds.saude.gov.br/fhir/r4/NamingSystem/cpf', 'urn:oid:2.16.840.1.113883.13.237'];

/**
 * The identifiers of a draft. The number that most rows have is the main identifier. If two numbers are equally frequent, a national
 * number comes first, because other lists have it too.
 */
export const draftIdentifiers = (columns: readonly PlacedColumn[]): object[] =>
  identifierColumns(columns).map((column) => identifierRule(column));

function identifierRule({ meaning, field }: PlacedColumn): object {
  const { system, type } = SYSTEMS[meaning] ?? { system: 'urn:radgate:mrn', type: 'MR' as const };
  const isOfFacility = system.startsWith('urn:radgate:');
  return {
    column: field,
    kind: kindOf(meaning),
    system,
    ...(meaning === 'cpf' ? { aliases: CPF_ALIASES } : {}),
    use: meaning === 'mrn' ? 'usual' : 'official',
    type,
    scope: isOfFacility ? 'facility' : 'global',
  };
}

/** Numbers whose form is not known are kept as they are written. */
function kindOf(meaning: string): 'cpf' | 'national' | 'text' {
  if (meaning === 'cpf') return 'cpf';
  return NATIONAL_NUMBERS.some((one) => one === meaning) ? 'national' : 'text';
}

/** The columns that identify the patient, the main identifier first. */
export const identifierColumns = (columns: readonly PlacedColumn[]): PlacedColumn[] =>
  columns
    .filter(({ meaning }) => Object.hasOwn(SYSTEMS, meaning))
    .sort((one, other) => other.profile.filled - one.profile.filled || rank(one) - rank(other));

const rank = ({ meaning }: PlacedColumn): number => (meaning === 'mrn' ? 1 : meaning === 'passport' ? 2 : 0);
