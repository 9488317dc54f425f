import type { BundleEntry } from '@medplum/fhirtypes';
import { z } from 'zod';

/**
 * An entry of a transaction that the server named as the reason why it rejected the transaction. `element` is a path such as
 * `Patient.birthDate`, or only the type of the resource. It contains no values.
 */
export interface NamedEntry {
  readonly entry: number;
  readonly element: string;
}

/** An issue of an OperationOutcome (R4). The texts of an issue can contain patient data. */
export const OutcomeIssue = z.object({
  severity: z.string().optional(),
  code: z.string(),
  expression: z.array(z.string()).max(100).optional(),
  location: z.array(z.string()).max(100).optional(),
  diagnostics: z.string().optional(),
  details: z.object({ text: z.string().optional() }).optional(),
});
export type OutcomeIssue = z.output<typeof OutcomeIssue>;

const LONGEST_PATH = 200;

/**
 * The entries that the errors of an OperationOutcome name: by `expression` or `location` (`Bundle.entry[12].resource…`), or in a text that
 * contains the condition, the id or the `fullUrl` of an entry. Each entry occurs once. The result is empty if the server names no entry.
 */
export function namedEntries(
  issues: readonly OutcomeIssue[],
  entries: readonly BundleEntry[],
): readonly NamedEntry[] {
  const errors = issues.filter(({ severity }) => severity !== 'warning' && severity !== 'information');
  const named = errors.flatMap((one) => {
    const places = [...(one.expression ?? []), ...(one.location ?? [])];
    const byPath = places.flatMap((place) => entryAt(place, entries) ?? []);
    return byPath.length > 0
      ? byPath
      : inText(`${one.diagnostics ?? ''} ${one.details?.text ?? ''}`, entries);
  });
  return [...new Map(named.toReversed().map((one) => [one.entry, one])).values()];
}

/**
 * Parses a FHIRPath such as `Bundle.entry[0].resource.ofType(Patient).birthDate`. HAPI writes `resource/*Patient/1*\/` for the type. XPath
 * (`/f:Bundle/f:entry[1]/f:resource`) counts from 1.
 */
function entryAt(place: string, entries: readonly BundleEntry[]): NamedEntry | undefined {
  const [, before = '', number = '', after = ''] =
    /^\/?((?:f:)?)Bundle[./](?:f:)?entry\[(\d{1,6})\](.*)$/su.exec(place) ?? [];
  if (number === '') return undefined;
  const entry = Number(number) - (before === '' ? 0 : 1);
  const type = entries[entry]?.resource?.resourceType;
  if (type === undefined) return undefined;
  const named = /^\.resource(?:\/\*([A-Za-z]+)|\.ofType\(([A-Za-z]+)\))/u.exec(after);
  // A server that counts in another way would name another resource.
  if (named !== null && (named[1] ?? named[2]) !== type) return undefined;
  const inside = after.replace(/^\.resource(?:\/\*[^*]*\*\/|\.ofType\([A-Za-z]+\))?/u, '');
  // The path ends before a filter such as `where(system='…')`, which can contain a value.
  const [path = ''] = /^(?:\.[A-Za-z]+(?:\[\d+\])?(?![A-Za-z\d([]))*/u.exec(inside) ?? [];
  return { entry, element: `${type}${path}`.slice(0, LONGEST_PATH) };
}

function inText(text: string, entries: readonly BundleEntry[]): NamedEntry[] {
  const places = [...text.matchAll(/Bundle\.entry[[(](\d{1,6})[\])][\w.[\]]*/gu)].flatMap(
    ([place]) => entryAt(place.replace(/\((\d+)\)/u, '[$1]'), entries) ?? [],
  );
  if (places.length > 0) return places;
  return entries.flatMap(({ fullUrl, request, resource }, entry) => {
    if (resource === undefined) return [];
    const condition = request?.ifNoneExist ?? '';
    const signs = [
      fullUrl ?? '',
      condition,
      decodeURIComponent(condition),
      request?.method === 'PUT' ? request.url : '',
      'subject' in resource ? referenceOf(resource.subject) : '',
      'patient' in resource ? referenceOf(resource.patient) : '',
    ];
    return signs.some((sign) => contains(text, sign)) ? [{ entry, element: resource.resourceType }] : [];
  });
}

function referenceOf(value: unknown): string {
  const isReference = typeof value === 'object' && value !== null && 'reference' in value;
  return isReference && typeof value.reference === 'string' ? value.reference : '';
}

/** Whether a text contains a sign that is not a part of a longer identifier. */
function contains(text: string, sign: string): boolean {
  if (sign === '') return false;
  for (let at = text.indexOf(sign); at >= 0; at = text.indexOf(sign, at + 1))
    if (!/[\w-]/u.test(text[at + sign.length] ?? '') && !/[\w-]/u.test(text[at - 1] ?? '')) return true;
  return false;
}
