import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { type AxiosInstance, create } from 'axios';
import { z } from 'zod';
import { ENV } from '../config/config.module.js';
import { Problem, UpstreamFailed } from '../problems/errors.js';
import { archiveFailures, problemOfStatus } from './orthanc.errors.js';
import { OrthancId } from './orthanc.id.js';
import { type ArchiveAddress, ArchiveTransport } from './orthanc.transport.js';

/** Of Orthanc's 50 threads; those that carry bytes have their own. */
const CONNECTIONS = 8;
/** Names a call on its way through axios; it is not sent. */
const WHAT = 'x-call';
const METHODS = z.enum(['GET', 'POST', 'DELETE']);
const Text = z.string().optional();

const System = z.object({ DatabaseServerIdentifier: z.string().default('unnamed'), Version: z.string() });
const Statistics = z.object({
  CountStudies: z.number(),
  CountSeries: z.number(),
  CountInstances: z.number(),
});
const Changes = z.object({
  Changes: z.array(z.object({ ChangeType: z.string(), ID: OrthancId, Seq: z.number() })),
  Done: z.boolean(),
  Last: z.number(),
});
const SeriesOf = z.object({ ID: OrthancId, ParentStudy: OrthancId });
const Tags = z.record(z.string(), z.unknown());
const Metadata = z.record(z.string(), z.string());
const Ids = z.array(OrthancId);
const Files = z.array(
  z.object({ ID: OrthancId, FileUuid: z.string(), FileSize: z.number(), Metadata: Metadata.default({}) }),
);
const Children = z.array(z.object({ ID: OrthancId, Instances: Ids }));

export type ArchiveCounts = z.infer<typeof Statistics>;
export type ArchiveChanges = z.infer<typeof Changes>;
/** Which file an instance is in the archive: another `uuid` is other content, whatever the identifiers say; `metadata` was noted at its arrival. */
export interface ArchivedFile {
  readonly uuid: string;
  readonly size: number;
  readonly metadata: Readonly<Record<string, string>>;
}
/** The levels of Orthanc's own tree. */
export type ArchiveLevel = 'studies' | 'series' | 'instances';

/**
 * The small JSON calls to Orthanc, a closed list: each builds its own path from typed values, and nothing of a client's request
 * can reach it. Throws `NeighbourAway`, `NotInArchive` or `UpstreamFailed`.
 */
@Injectable()
export class OrthancApi implements OnApplicationShutdown {
  private readonly transport: ArchiveTransport;
  private readonly http: AxiosInstance;

  constructor(@Inject(ENV) env: ArchiveAddress) {
    this.transport = new ArchiveTransport(env, CONNECTIONS);
    // Axios forms requests and reads answers; they go by the transport, so that one policy holds for all calls.
    this.http = create({
      responseType: 'json',
      validateStatus: () => true,
      adapter: async (config) => {
        const { status, text } = await this.transport.text(config.headers.get(WHAT)?.toString() ?? '', {
          method: METHODS.parse(config.method?.toUpperCase()),
          path: config.url ?? '/',
          body: Text.parse(config.data),
        });
        return { data: text, status, statusText: '', headers: {}, config };
      },
    });
  }

  onApplicationShutdown(): Promise<void> {
    return this.transport.close();
  }

  /** Which archive this is; another identifier means another (or restored) archive. */
  system(): Promise<z.infer<typeof System>> {
    return this.get('system', '/system', System);
  }

  /** Totals of the archive; the only sign Orthanc gives of a deletion. */
  statistics(): Promise<ArchiveCounts> {
    return this.get('statistics', '/statistics', Statistics);
  }

  /** The feed of changes after `since`, oldest first, at most `limit`. It never tells deletions. */
  changes(since: number, limit: number): Promise<ArchiveChanges> {
    return this.get('changes', `/changes?since=${since}&limit=${limit}`, Changes);
  }

  /** The newest position of the feed. */
  lastChange(): Promise<ArchiveChanges> {
    return this.get('last change', '/changes?last', Changes);
  }

  /** A page of the ids of a level, in an order that stays as long as nothing is deleted. */
  page(level: ArchiveLevel, since: number, limit: number): Promise<OrthancId[]> {
    return this.get(`page of ${level}`, `/${level}?since=${since}&limit=${limit}`, Ids);
  }

  /** Of these instances (some hundreds) those the archive holds now; what was noted at their arrival costs it one more look-up each. */
  async filesOf(ids: readonly OrthancId[], noted = true): Promise<ReadonlyMap<OrthancId, ArchivedFile>> {
    if (ids.length === 0) return new Map();
    const asked = { Resources: ids, Level: 'Instance', Metadata: noted };
    const found = await this.get('files of instances', '/tools/bulk-content', Files, asked);
    return new Map(
      found.map(({ ID, FileUuid, FileSize, Metadata: metadata }) => [
        ID,
        { uuid: FileUuid, size: FileSize, metadata },
      ]),
    );
  }

  /** Of these series (some dozens) those the archive holds now, each with all its instances. */
  async instancesOf(series: readonly OrthancId[]): Promise<ReadonlyMap<OrthancId, readonly OrthancId[]>> {
    if (series.length === 0) return new Map();
    const asked = { Resources: series, Level: 'Series', Metadata: false };
    const found = await this.get('instances of series', '/tools/bulk-content', Children, asked);
    return new Map(found.map(({ ID, Instances }) => [ID, Instances]));
  }

  /** Whether Orthanc holds the thing now. */
  async holds(level: ArchiveLevel, id: OrthancId): Promise<boolean> {
    const answer = await this.request(`look-up in ${level}`, `/${level}/${id}`);
    const problem = problemOfStatus(`look-up in ${level}`, answer.status);
    if (problem instanceof UpstreamFailed && problem.status === 404) return false;
    if (problem !== undefined) throw problem;
    return true;
  }

  /** Takes one instance out of the archive for good; one that is not there is no fault. */
  async deleteInstance(id: OrthancId): Promise<void> {
    const { status } = await this.request('deletion of an instance', `/instances/${id}`, 'delete');
    const problem = status === 404 ? undefined : problemOfStatus('deletion of an instance', status);
    if (problem !== undefined) throw problem;
  }

  /** All tags of an instance but its pixels, `gggg,eeee` to value, as UTF-8. */
  instanceTags(id: OrthancId): Promise<Record<string, unknown>> {
    return this.get('tags of an instance', `/instances/${id}/tags?short`, Tags);
  }

  /** Where Orthanc keeps an instance in its own tree. */
  async parentsOf(id: OrthancId): Promise<{ series: OrthancId; study: OrthancId }> {
    const { ID, ParentStudy } = await this.get('series of an instance', `/instances/${id}/series`, SeriesOf);
    return { series: ID, study: ParentStudy };
  }

  /** A question that has a body is asked by POST. */
  private async get<T>(what: string, path: string, shape: z.ZodType<T>, asked?: object): Promise<T> {
    const answer = await this.request(what, path, asked === undefined ? 'get' : 'post', asked);
    const problem = problemOfStatus(what, answer.status);
    if (problem !== undefined) throw problem;
    const parsed = shape.safeParse(answer.data);
    if (!parsed.success) throw new UpstreamFailed(what);
    return parsed.data;
  }

  private async request(
    what: string,
    path: string,
    method: 'get' | 'delete' | 'post' = 'get',
    data?: object,
  ): Promise<{ status: number; data: unknown }> {
    try {
      return await this.http.request<unknown>({ url: path, method, data, headers: { [WHAT]: what } });
    } catch (error) {
      if (error instanceof Problem) throw error;
      archiveFailures.failed += 1;
      throw new UpstreamFailed(what);
    }
  }
}
