import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { type AxiosInstance, create } from 'axios';
import { z } from 'zod';
import { ENV } from '../config/config.module.js';
import { Problem, UpstreamFailed } from '../problems/errors.js';
import { archiveFailures, problemOfStatus } from './orthanc.errors.js';
import { OrthancId } from './orthanc.id.js';
import { type ArchiveAddress, ArchiveTransport } from './orthanc.transport.js';

/** Number of connections for small calls. Orthanc has 50 threads. Calls that transfer files use the connections of `ArchiveConnection`. */
const CONNECTIONS = 8;
/** The header that passes the name of a call through axios to the adapter. It is not sent to Orthanc. */
const CALL_NAME = 'x-call';
const METHODS = z.enum(['GET', 'POST', 'DELETE']);
const Text = z.string().optional();

const System = z.object({ DatabaseServerIdentifier: z.string().default('unnamed'), Version: z.string() });
const Statistics = z.object({
  CountStudies: z.number(),
  CountSeries: z.number(),
  CountInstances: z.number(),
  TotalDiskSize: z.coerce.number().default(0),
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
/**
 * The file of an instance in Orthanc. `uuid` changes when Orthanc stores other content under the same identifiers. `metadata`: the values
 * that Orthanc recorded when the file arrived.
 */
export interface ArchivedFile {
  readonly uuid: string;
  readonly size: number;
  readonly metadata: Readonly<Record<string, string>>;
}
/** The levels of Orthanc's resource tree. */
export type ArchiveLevel = 'studies' | 'series' | 'instances';

/**
 * The closed list of JSON calls to Orthanc. Each call builds its path from typed values, so that no text of a client's request reaches
 * Orthanc. All calls throw `NeighbourAway`, `NotInArchive` or `UpstreamFailed`.
 */
@Injectable()
export class OrthancApi implements OnApplicationShutdown {
  private readonly transport: ArchiveTransport;
  private readonly http: AxiosInstance;

  constructor(@Inject(ENV) env: ArchiveAddress) {
    this.transport = new ArchiveTransport(env, CONNECTIONS);
    // Axios builds requests and parses answers. The transport sends them, so that all calls have the same limits.
    this.http = create({
      responseType: 'json',
      validateStatus: () => true,
      adapter: async (config) => {
        const { status, text } = await this.transport.text(config.headers.get(CALL_NAME)?.toString() ?? '', {
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

  /** Identifier and version of the archive. A different identifier means that the archive was replaced or restored. */
  system(): Promise<z.infer<typeof System>> {
    return this.get('system', '/system', System);
  }

  /**
   * Numbers of studies, series and instances in Orthanc. They are the only sign of a deletion, because the change feed does not list
   * deletions.
   */
  statistics(): Promise<ArchiveCounts> {
    return this.get('statistics', '/statistics', Statistics);
  }

  /** At most `limit` entries of the change feed after `since`, oldest first. The feed does not list deletions. */
  changes(since: number, limit: number): Promise<ArchiveChanges> {
    return this.get('changes', `/changes?since=${since}&limit=${limit}`, Changes);
  }

  /** The newest entry of the change feed. */
  lastChange(): Promise<ArchiveChanges> {
    return this.get('last change', '/changes?last', Changes);
  }

  /** One page of the Orthanc ids at a level. The order is stable unless something is deleted. */
  page(level: ArchiveLevel, since: number, limit: number): Promise<OrthancId[]> {
    return this.get(`page of ${level}`, `/${level}?since=${since}&limit=${limit}`, Ids);
  }

  /**
   * The files of the given instances (at most some hundreds). The result leaves out instances that Orthanc does not have. With metadata,
   * Orthanc makes one more look-up for each instance.
   */
  async filesOf(
    ids: readonly OrthancId[],
    withMetadata = true,
  ): Promise<ReadonlyMap<OrthancId, ArchivedFile>> {
    if (ids.length === 0) return new Map();
    const body = { Resources: ids, Level: 'Instance', Metadata: withMetadata };
    const found = await this.get('files of instances', '/tools/bulk-content', Files, body);
    return new Map(
      found.map(({ ID, FileUuid, FileSize, Metadata: metadata }) => [
        ID,
        { uuid: FileUuid, size: FileSize, metadata },
      ]),
    );
  }

  /** The instances of the given series (at most some dozens). The result leaves out series that Orthanc does not have. */
  async instancesOf(series: readonly OrthancId[]): Promise<ReadonlyMap<OrthancId, readonly OrthancId[]>> {
    if (series.length === 0) return new Map();
    const body = { Resources: series, Level: 'Series', Metadata: false };
    const found = await this.get('instances of series', '/tools/bulk-content', Children, body);
    return new Map(found.map(({ ID, Instances }) => [ID, Instances]));
  }

  /** Whether Orthanc has this study, series or instance now. */
  async holds(level: ArchiveLevel, id: OrthancId): Promise<boolean> {
    const answer = await this.request(`look-up in ${level}`, `/${level}/${id}`);
    const problem = problemOfStatus(`look-up in ${level}`, answer.status);
    if (problem instanceof UpstreamFailed && problem.status === 404) return false;
    if (problem !== undefined) throw problem;
    return true;
  }

  /** Deletes an instance from Orthanc. A missing instance is not an error. */
  async deleteInstance(id: OrthancId): Promise<void> {
    const { status } = await this.request('deletion of an instance', `/instances/${id}`, 'delete');
    const problem = status === 404 ? undefined : problemOfStatus('deletion of an instance', status);
    if (problem !== undefined) throw problem;
  }

  /** All tags of an instance except the pixel data, in UTF-8. Each key has the form `gggg,eeee`. */
  instanceTags(id: OrthancId): Promise<Record<string, unknown>> {
    return this.get('tags of an instance', `/instances/${id}/tags?short`, Tags);
  }

  /** Orthanc's ids of the series and the study of an instance. */
  async parentsOf(id: OrthancId): Promise<{ series: OrthancId; study: OrthancId }> {
    const { ID, ParentStudy } = await this.get('series of an instance', `/instances/${id}/series`, SeriesOf);
    return { series: ID, study: ParentStudy };
  }

  /** Reads a JSON answer. The method is POST when there is a body, and GET when there is no body. */
  private async get<T>(call: string, path: string, shape: z.ZodType<T>, body?: object): Promise<T> {
    const answer = await this.request(call, path, body === undefined ? 'get' : 'post', body);
    const problem = problemOfStatus(call, answer.status);
    if (problem !== undefined) throw problem;
    const parsed = shape.safeParse(answer.data);
    if (!parsed.success) throw new UpstreamFailed(call);
    return parsed.data;
  }

  private async request(
    call: string,
    path: string,
    method: 'get' | 'delete' | 'post' = 'get',
    data?: object,
  ): Promise<{ status: number; data: unknown }> {
    try {
      return await this.http.request<unknown>({ url: path, method, data, headers: { [CALL_NAME]: call } });
    } catch (error) {
      if (error instanceof Problem) throw error;
      archiveFailures.failed += 1;
      throw new UpstreamFailed(call);
    }
  }
}
