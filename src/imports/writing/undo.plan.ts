import type { BundleEntry, Resource } from '@medplum/fhirtypes';
import type { importWrites } from '../../database/schema.records.js';
import type { FhirRecords } from '../../fhir/fhir.records.js';
import { canonicalJson } from '../../mapping/canonical.json.js';

/** A write of an import: the resource, and the versions before and after the write. */
export type ImportWrite = typeof importWrites.$inferSelect;

/**
 * How to undo the writes of a resource. A BundleEntry is sent to the server. `restored` means that nothing is left to do. `changed` means
 * that somebody else changed the resource, so it is not undone.
 */
type UndoStep = BundleEntry | 'restored' | 'changed';

interface Written {
  readonly reference: string;
  /** The version of the resource after the newest write. */
  readonly version: string | undefined;
  /** The version before the oldest write. It is null when the import created the resource. */
  readonly before: string | null;
}

/**
 * Decides for each resource how to undo its writes. `resources` maps `Kind/id` to the writes, newest first. Reads the current resources,
 * then the needed versions, both in batches. Throws the same errors as {@link FhirRecords.readAll}.
 */
export async function planUndo(
  records: FhirRecords,
  resources: ReadonlyMap<string, readonly ImportWrite[]>,
): Promise<Map<string, UndoStep>> {
  const current = await records.readAll([...resources.keys()]);
  const written = [...resources].flatMap(([reference, writes]) => {
    const now = current.get(reference);
    return now === undefined ? [] : [writtenOf(reference, writes, now)];
  });
  const versions = await records.readAll(written.flatMap((one) => neededVersions(one, current)));
  const steps = new Map<string, UndoStep>([...resources.keys()].map((reference) => [reference, 'restored']));
  for (const one of written) {
    const now = current.get(one.reference);
    if (now !== undefined) steps.set(one.reference, stepOf(one, now, versions));
  }
  return steps;
}

function writtenOf(reference: string, writes: readonly ImportWrite[], now: Resource): Written {
  const [newest] = writes;
  const oldest = writes.at(-1);
  // Only this import changes its Provenance, so this import also wrote the current version.
  const version = newest?.kind === 'Provenance' ? now.meta?.versionId : newest?.versionAfter;
  return { reference, version, before: oldest?.versionBefore ?? null };
}

const versionOf = (reference: string, version: string) => `${reference}/_history/${version}`;

function neededVersions(
  { reference, version, before }: Written,
  current: ReadonlyMap<string, Resource>,
): string[] {
  const isOwn = current.get(reference)?.meta?.versionId === version;
  const needed = [before, isOwn ? null : (version ?? null)];
  return needed.flatMap((one) => (one === null ? [] : [versionOf(reference, one)]));
}

function stepOf(written: Written, now: Resource, versions: ReadonlyMap<string, Resource>): UndoStep {
  const { reference, before } = written;
  const request = { url: reference, ifMatch: `W/"${now.meta?.versionId ?? ''}"` };
  if (before === null)
    return isAsWritten(written, now, versions) ? { request: { method: 'DELETE', ...request } } : 'changed';
  const resource = versions.get(versionOf(reference, before));
  if (resource === undefined) return 'changed';
  // The resource has the old content already. The usual cause is an earlier undo whose response was lost.
  if (contentOf(now) === contentOf(resource)) return 'restored';
  if (!isAsWritten(written, now, versions)) return 'changed';
  return { fullUrl: `urn:uuid:${crypto.randomUUID()}`, resource, request: { method: 'PUT', ...request } };
}

/** Whether a resource has the content that the import wrote. A later change does not count if another undo has reversed it. */
function isAsWritten(
  { reference, version }: Written,
  now: Resource,
  versions: ReadonlyMap<string, Resource>,
): boolean {
  if (now.meta?.versionId === version) return true;
  if (version === undefined) return false;
  const then = versions.get(versionOf(reference, version));
  return then !== undefined && contentOf(then) === contentOf(now);
}

/** The content of a resource without its metadata, except for the profiles. */
const contentOf = ({ meta, ...content }: Resource): string =>
  canonicalJson({ ...content, profile: meta?.profile });
