import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type postgres from 'postgres';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { z } from 'zod';
import { Sealer } from '../audit/sealer.js';
import { POSTGRES } from '../database/database.module.js';
import { FhirServer } from '../fhir/fhir.server.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';
import { archiveFailures } from '../orthanc/orthanc.errors.js';
import { handledErrors } from '../problems/handled.errors.js';
import { routeGroup } from './route.groups.js';

/** The metrics are cached for this time, because counting a large catalog takes long. */
const FRESH_MS = 10_000;

const Counts = z.array(z.object({ name: z.string(), label: z.string(), value: z.coerce.number() }));

/** The metrics for Prometheus. A route is named by its pattern and not by a path. No label contains a UID, a name or an id. */
@Injectable()
export class Metrics implements OnModuleInit {
  private readonly register = new Registry();
  private readonly requests = new Histogram({
    name: 'radgate_http_request_seconds',
    help: 'Responses by method, route pattern and status: their number, and the seconds until the last byte was sent.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.3, 1, 3, 10, 60],
    registers: [this.register],
  });
  private readonly firstByte = new Histogram({
    name: 'radgate_first_byte_seconds',
    help: 'Successful and unmodified responses by group of routes: the seconds until the first byte of the response.',
    labelNames: ['group'],
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 1, 3],
    registers: [this.register],
  });
  private readonly stored = new Counter({
    name: 'radgate_stow_instances_total',
    help: 'Instances acknowledged to senders.',
    registers: [this.register],
  });
  private readonly received = new Counter({
    name: 'radgate_stow_bytes_total',
    help: 'Bytes of received STOW-RS bodies, stored or refused.',
    registers: [this.register],
  });
  private readonly failures = new Counter({
    name: 'radgate_upstream_errors_total',
    help: 'Calls to a neighbour without an answer or with an unusable one, since this process started.',
    labelNames: ['neighbour'],
    registers: [this.register],
  });
  private readonly handled = new Counter({
    name: 'radgate_handled_errors_total',
    help: 'Errors that did not stop background work, by kind of work. The log names each kind.',
    labelNames: ['work'],
    registers: [this.register],
  });
  private readonly breaker = new Gauge({
    name: 'radgate_breaker_open',
    help: 'Whether calls to a neighbour are suspended after repeated failures.',
    labelNames: ['neighbour'],
    registers: [this.register],
  });
  private readonly running = new Gauge({
    name: 'radgate_http_requests_running',
    help: 'Requests in progress.',
    registers: [this.register],
  });
  private readonly neighbours = new Gauge({
    name: 'radgate_neighbour_up',
    help: 'Whether a neighbour answers.',
    labelNames: ['neighbour'],
    registers: [this.register],
  });
  private readonly counts = new Gauge({
    name: 'radgate_things',
    help: 'Counts of the catalog, imports by status, import rows by outcome, jobs by state, silent senders and unsealed audit rows.',
    labelNames: ['of', 'state'],
    registers: [this.register],
  });
  private readonly behind = new Gauge({
    name: 'radgate_watcher_changes_behind',
    help: 'Changes in the archive that the catalog has not processed yet.',
    registers: [this.register],
  });
  private readonly unsealed = new Gauge({
    name: 'radgate_audit_unsealed_seconds',
    help: 'Age of the oldest audit row that could not be sealed; 0 when there is none.',
    registers: [this.register],
  });
  private readonly stalled = new Gauge({
    name: 'radgate_audit_stalled',
    help: 'Whether audit rows have waited longer than a minute for their seal.',
    registers: [this.register],
  });
  private readonly sealedLate = new Counter({
    name: 'radgate_audit_rows_sealed_late_total',
    help: 'Audit rows that this process sealed later than a minute after they were written.',
    registers: [this.register],
  });
  private known: { readonly at: number; readonly text: Promise<string> } | undefined;

  constructor(
    @Inject(POSTGRES) private readonly sql: postgres.Sql,
    private readonly orthanc: OrthancApi,
    private readonly fhir: FhirServer,
    private readonly adapter: HttpAdapterHost,
    private readonly sealer: Sealer,
  ) {
    collectDefaultMetrics({ register: this.register, prefix: 'radgate_' });
  }

  onModuleInit(): void {
    const server: FastifyInstance = this.adapter.httpAdapter.getInstance();
    server.addHook('onRequest', (_request, _reply, done) => {
      this.running.inc();
      done();
    });
    server.addHook('onSend', (request, reply, payload, done) => {
      const group = routeGroup(request.method, request.routeOptions.url ?? '');
      if (reply.statusCode < 300 || reply.statusCode === 304)
        this.firstByte.observe({ group }, reply.elapsedTime / 1000);
      done(null, payload);
    });
    server.addHook('onResponse', (request, reply, done) => {
      this.running.dec();
      this.note(request, reply);
      done();
    });
  }

  /** Returns all metrics in the Prometheus text format. Leaves out the values of a service that is unreachable. */
  text(): Promise<string> {
    if (this.known === undefined || Date.now() - this.known.at > FRESH_MS)
      this.known = { at: Date.now(), text: this.read() };
    return this.known.text;
  }

  private note(request: FastifyRequest, reply: FastifyReply): void {
    const route = request.routeOptions.url ?? 'unknown';
    const labels = { method: request.method, route, status: String(reply.statusCode) };
    this.requests.observe(labels, reply.elapsedTime / 1000);
    if (request.method !== 'POST' || !route.startsWith('/dicom-web/')) return;
    this.stored.inc(request.auditNote?.instances ?? 0);
    this.received.inc(request.auditNote?.bytes ?? 0);
  }

  private async read(): Promise<string> {
    const [postgresUp, orthancUp, hapi] = await Promise.all([this.count(), this.lag(), this.fhir.state()]);
    this.neighbours.set({ neighbour: 'postgres' }, postgresUp ? 1 : 0);
    this.neighbours.set({ neighbour: 'orthanc' }, orthancUp ? 1 : 0);
    if (hapi !== 'off') this.neighbours.set({ neighbour: 'hapi' }, hapi === 'up' ? 1 : 0);
    this.failures.reset();
    this.failures.inc({ neighbour: 'orthanc' }, archiveFailures.failed);
    this.handled.reset();
    for (const [work, total] of handledErrors()) this.handled.inc({ work }, total);
    const calls = this.fhir.calls?.trouble;
    if (calls !== undefined) {
      this.failures.inc({ neighbour: 'hapi' }, calls.failed);
      this.breaker.set({ neighbour: 'hapi' }, calls.isOpen ? 1 : 0);
    }
    this.readSealing();
    return this.register.metrics();
  }

  private readSealing(): void {
    const { unsealedSeconds, unsealedRows, sealedLate, isStalled } = this.sealer.state;
    this.counts.set({ of: 'audit rows unsealed', state: '' }, unsealedRows);
    this.unsealed.set(unsealedSeconds);
    this.stalled.set(isStalled ? 1 : 0);
    this.sealedLate.reset();
    this.sealedLate.inc(sealedLate);
  }

  private async count(): Promise<boolean> {
    this.counts.reset();
    try {
      const rows = Counts.parse(
        await this.sql`
          select 'patients' as name, '' as label, count(*) as value from patients
          union all select 'studies', '', count(*) from studies where instance_count > 0
          union all select 'instances', '', coalesce(sum(instance_count), 0) from studies
          union all select 'quarantined', '', count(*) from quarantined
          union all select 'imports', status, count(*) from imports group by status
          union all select 'import rows', outcome, sum(rows) from import_chunks, lateral (values
            ('created', created), ('updated', updated), ('unchanged', unchanged), ('rejected', rejected),
            ('waiting', waiting), ('duplicate', duplicate)) counted (outcome, rows) group by outcome
          union all select 'senders silent', '', count(*) from accounts where silent_since is not null and not disabled
          union all select 'words waiting', '', count(distinct term) from waiting_words
          union all select 'jobs', name || ' ' || state, count(*) from queue.job group by name, state`,
      );
      for (const { name, label, value } of rows) this.counts.set({ of: name, state: label }, value);
      return true;
    } catch {
      return false;
    }
  }

  private async lag(): Promise<boolean> {
    try {
      const { Last: last } = await this.orthanc.lastChange();
      const [row] = await this.sql<{ position: string }[]>`select position from archive_cursor`;
      if (row !== undefined) this.behind.set(Math.max(0, last - Number(row.position)));
      return true;
    } catch {
      return false;
    }
  }
}
