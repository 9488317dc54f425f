import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes';
import { Injectable } from '@nestjs/common';
import { Client, type FhirResource } from 'fhir-kit-client';
import { NeighbourAway } from '../problems/errors.js';
import type { CallOptions, FhirCalls } from './fhir.calls.js';
import { FhirRefused } from './fhir.errors.js';
import { AnyBundle, isStored, type Stored } from './fhir.resources.js';
import { FhirServer } from './fhir.server.js';

/** The result of one entry of a transaction. */
export interface EntryOutcome {
  /** The HTTP status of the entry: 201 (created), 200 (found or updated) or 204 (deleted). */
  readonly status: number;
  readonly kind: string;
  readonly id: string;
  readonly version: string;
}

export interface Token {
  readonly system: string;
  readonly value: string;
}

const TOKENS_A_REQUEST = 200;
const PAGE = 500;
const MOST_PAGES = 100;
const SEARCH = { timeoutMs: 30_000, repeatable: true };
const BATCH = { timeoutMs: 30_000, repeatable: true };
const READS_A_REQUEST = 50;
// The server may have executed a transaction although no response arrived. The caller must search for the resources before it sends the
// transaction again.
const WRITE = { timeoutMs: 60_000, repeatable: false };
// A repeated direct write gives the same resource.
const DIRECT = { timeoutMs: 60_000, repeatable: true };
const MINIMAL = { prefer: 'return=minimal' };
const FRESH = { 'cache-control': 'no-cache' };
/**
 * HAPI FHIR stores neither the search nor its result for later pages (HAPI FHIR, "Caching Search Results"). Such a search costs HAPI a third
 * of the processor time. HAPI cuts the result at `max-results`.
 */
const FRESH_AND_NOT_STORED = { 'cache-control': `no-cache, no-store, max-results=${PAGE}` };
const LOCATION = /(?:^|\/)([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})\/_history\/([A-Za-z0-9.-]{1,64})$/;

/** Reads and writes records on the FHIR server. Throws `NeighbourAway` when the server does not answer or no server is configured. */
@Injectable()
export class FhirRecords {
  constructor(private readonly server: FhirServer) {}

  /**
   * Finds the resources of a type that have any of the identifiers. The searches use POST, with 200 identifiers per request, and bypass the
   * search cache of the server.
   */
  async withIdentifiers<Kind extends Resource['resourceType']>(
    kind: Kind,
    tokens: readonly Token[],
  ): Promise<Stored<Extract<Resource, { resourceType: Kind }>>[]> {
    const found = new Map<string, Stored<Extract<Resource, { resourceType: Kind }>>>();
    for (let at = 0; at < tokens.length; at += TOKENS_A_REQUEST) {
      const identifier = tokens
        .slice(at, at + TOKENS_A_REQUEST)
        .map(tokenText)
        .join(',');
      for (const resource of await this.search(kind, { identifier }))
        if (isStored(kind, resource)) found.set(resource.id, resource);
    }
    return [...found.values()];
  }

  /**
   * Sends a transaction and returns one outcome for each entry, in order. A transaction is never repeated automatically, because its result
   * is unknown after `NeighbourAway`.
   */
  async transaction(bundle: Bundle): Promise<EntryOutcome[]> {
    const body: unknown = await this.calls().call(
      { ...WRITE, entries: bundle.entry ?? [] },
      (client, options) => client.transaction({ body: { ...bundle }, options: { ...options } }),
    );
    const parsed = AnyBundle.safeParse(body);
    // A proxy answered instead of the server, so the result is unknown.
    if (!parsed.success) throw new NeighbourAway('hapi');
    const answer = parsed.data;
    const entries = answer.entry ?? [];
    // The server silently drops one of two entries with the same identity. A dropped entry must not count as written.
    if (entries.length !== (bundle.entry ?? []).length) throw new FhirRefused(200, ['entries-lost']);
    return entries.map(({ response }) => {
      const [, kind = '', id = '', version = ''] = LOCATION.exec(response?.location ?? '') ?? [];
      return { status: Number.parseInt(response?.status ?? '', 10), kind, id, version };
    });
  }

  /** Writes a resource under its own id (R4 §3.1.0.4). The write is repeated after a temporary failure. */
  put(resource: Resource & { readonly id: string }): Promise<EntryOutcome> {
    const { resourceType, id } = resource;
    return this.direct((client, options) =>
      client.update({ resourceType, id, body: { ...resource }, options: { ...options, headers: MINIMAL } }),
    );
  }

  /**
   * Creates a resource unless one resource matches `query` (R4 §3.1.0.8.1). The status of the result is 200 if the resource existed already.
   * The write is repeated after a temporary failure.
   */
  createOnce(resource: Resource, query: string): Promise<EntryOutcome> {
    const headers = { ...MINIMAL, 'if-none-exist': query };
    const { resourceType } = resource;
    return this.direct((client, options) =>
      client.create({ resourceType, body: { ...resource }, options: { ...options, headers } }),
    );
  }

  private async direct(
    write: (client: Client, options: CallOptions) => Promise<FhirResource>,
  ): Promise<EntryOutcome> {
    const answer = await this.calls().call(DIRECT, write);
    const { response } = Client.httpFor(answer);
    const location = response?.headers.get('location') ?? response?.headers.get('content-location');
    const [, kind, id, version] = LOCATION.exec(location ?? '') ?? [];
    // A proxy answered instead of the server, so the result is unknown.
    if (response === undefined || kind === undefined || id === undefined || version === undefined)
      throw new NeighbourAway('hapi');
    return { status: response.status, kind, id, version };
  }

  /**
   * Reads resources by reference (`Kind/id` or `Kind/id/_history/version`). The result is a map by reference. Missing and deleted resources
   * are left out. Each request is a batch of 50 reads (FHIR R4 "batch/transaction") that does not use the cache of the server.
   */
  async readAll(references: readonly string[]): Promise<Map<string, Resource>> {
    const found = new Map<string, Resource>();
    const distinct = [...new Set(references)];
    for (let at = 0; at < distinct.length; at += READS_A_REQUEST) {
      const some = distinct.slice(at, at + READS_A_REQUEST);
      const entries = await this.batch(some);
      for (const [number, reference] of some.entries()) {
        const resource = readOf(entries[number]);
        if (resource !== undefined) found.set(reference, resource);
      }
    }
    return found;
  }

  private async batch(references: readonly string[]): Promise<BundleEntry[]> {
    const entry = references.map((url) => ({ request: { method: 'GET', url } }));
    const body: unknown = await this.calls().call(BATCH, (client, options) =>
      client.batch({
        body: { resourceType: 'Bundle', type: 'batch', entry },
        options: { ...options, headers: FRESH },
      }),
    );
    const entries = AnyBundle.safeParse(body).data?.entry;
    if (entries?.length !== references.length) throw new NeighbourAway('hapi');
    return entries;
  }

  /** Reads all pages of a search. A link to a page on another origin is rejected. */
  private async search(kind: string, searchParams: Record<string, string>): Promise<Resource[]> {
    const resources: Resource[] = [];
    let page = await this.firstPage(kind, searchParams, FRESH_AND_NOT_STORED);
    // The result may be cut, and a search that was not stored has no further pages.
    if ((page.entry ?? []).length >= PAGE) page = await this.firstPage(kind, searchParams, FRESH);
    for (let pages = 1; ; pages += 1) {
      for (const entry of page.entry ?? []) if (entry.resource !== undefined) resources.push(entry.resource);
      const next = page.link?.find((link) => link.relation === 'next')?.url;
      if (next === undefined) return resources;
      if (pages === MOST_PAGES) throw new FhirRefused(200, ['too-many-pages']);
      const url = this.server.ownLink(next);
      page = await this.page((client, options) => client.request(url, { options: { ...options } }));
    }
  }

  private firstPage(
    kind: string,
    searchParams: Record<string, string>,
    headers: Record<string, string>,
  ): Promise<Bundle> {
    return this.page((client, options) =>
      client.resourceSearch({
        resourceType: kind,
        searchParams: { ...searchParams, _count: PAGE },
        options: { ...options, headers, postSearch: true },
      }),
    );
  }

  private async page(ask: (client: Client, options: CallOptions) => Promise<unknown>): Promise<Bundle> {
    try {
      const parsed = AnyBundle.safeParse(await this.calls().call(SEARCH, ask));
      if (parsed.success) return parsed.data;
    } catch (error) {
      // A FHIR server never answers a search with 404. The configured URL is therefore not the base URL of a FHIR server.
      if (!(error instanceof FhirRefused) || error.status !== 404) throw error;
    }
    throw new NeighbourAway('hapi');
  }

  private calls(): FhirCalls {
    const { calls } = this.server;
    if (calls === undefined) throw new NeighbourAway('hapi');
    return calls;
  }
}

/**
 * The resource in one entry of a batch response. The value is undefined when the resource does not exist. Throws FhirRefused for a read
 * that would fail again.
 */
function readOf({ response, resource }: BundleEntry = {}): Resource | undefined {
  const status = Number.parseInt(response?.status ?? '', 10);
  if (status === 404 || status === 410) return undefined;
  if (status === 400 || status === 422) throw new FhirRefused(status, []);
  if (status !== 200 || resource === undefined) throw new NeighbourAway('hapi');
  return resource;
}

/** Formats a token as `system|value` and escapes special characters (R4 search, "Escaping Search Parameters"). */
function tokenText({ system, value }: Token): string {
  return `${escaped(system)}|${escaped(value)}`;
}

function escaped(text: string): string {
  return text.replace(/[\\$,|]/g, '\\$&');
}
