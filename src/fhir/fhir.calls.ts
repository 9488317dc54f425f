import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { BundleEntry } from '@medplum/fhirtypes';
import type { Client } from 'fhir-kit-client';
import { z } from 'zod';
import { FhirBreaker } from './fhir.breaker.js';
import { FhirAway, FhirConflict, FhirRefused } from './fhir.errors.js';
import { namedEntries, OutcomeIssue } from './named.entries.js';

/** Options of every request. A redirect is an error, because it could send the token to another server. */
export interface CallOptions {
  readonly signal: AbortSignal;
  readonly redirect: 'error';
  readonly headers?: Record<string, string>;
}

/**
 * The time limit of a call, and whether the call is repeated after a temporary failure. Only calls that are safe to send twice are
 * repeatable.
 */
export interface CallKind {
  readonly timeoutMs: number;
  readonly repeatable: boolean;
  /** The entries of a transaction. An error then says which of them the server named. */
  readonly entries?: readonly BundleEntry[];
}

const READ_ATTEMPTS = 4;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
const BUSY = new Set([408, 425, 429, 500, 502, 503, 504]);
/**
 * Statuses of a wrong configuration: the server or a proxy rejects every request of the gateway. An operator must correct the
 * configuration. The data of a row is not the cause.
 */
const MISCONFIGURED = new Set([401, 403, 405, 406, 407, 415, 501]);
const CONFLICT = new Set([409, 412]);
/** In a transaction, a resource that is gone is a concurrent change. */
const GONE = new Set([404, 410]);
const WARN_MS = 30_000;

const HttpFailure = z.object({
  response: z.object({ status: z.number(), data: z.unknown() }),
  config: z.object({ headers: z.instanceof(Headers).optional() }).optional(),
});
const Outcome = z.object({
  resourceType: z.literal('OperationOutcome'),
  issue: z.array(OutcomeIssue).max(10_000),
});

/**
 * Makes all calls to the FHIR server. It adds a time limit, retries with jitter and a circuit breaker, and removes patient data from
 * errors. Throws {@link FhirRefused} when the server rejects a request, and {@link FhirConflict} after a concurrent change. Throws
 * `NeighbourAway('hapi')` for every temporary failure.
 */
export class FhirCalls {
  private readonly logger = new Logger('fhir');
  private warnedAt = Number.NEGATIVE_INFINITY;
  private failed = 0;

  constructor(
    private readonly client: Client,
    private readonly breaker = new FhirBreaker(),
  ) {}

  /**
   * The number of calls with a temporary failure since the start of the process, and the state of the breaker. Metrics show both values.
   */
  get trouble(): { readonly failed: number; readonly isOpen: boolean } {
    return { failed: this.failed, isOpen: this.breaker.isOpen };
  }

  async call<T>(kind: CallKind, work: (client: Client, options: CallOptions) => Promise<T>): Promise<T> {
    const attempts = kind.repeatable ? READ_ATTEMPTS : 1;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.once(kind, work);
      } catch (error) {
        if (!(error instanceof FhirAway) || attempt === attempts) throw error;
        await sleep(error.pauseMs ?? jittered(attempt));
      }
    }
  }

  private async once<T>(
    { timeoutMs, entries }: CallKind,
    work: (client: Client, options: CallOptions) => Promise<T>,
  ): Promise<T> {
    if (!this.breaker.admits()) throw new FhirAway();
    // Do not use AbortSignal.timeout, which would keep the request and the response in memory until the time limit.
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), timeoutMs);
    try {
      const answer = await work(this.client, { signal: limit.signal, redirect: 'error' });
      this.breaker.succeeded();
      return answer;
    } catch (error) {
      const failure = failureOf(error, entries);
      if (failure instanceof FhirAway) {
        // One row can be the reason why a transaction fails with 500. The breaker must not stop the search for this row.
        if (entries === undefined || !failure.isServerError) this.breaker.failed();
        this.failed += 1;
        this.warn(failure);
      } else this.breaker.succeeded();
      throw failure;
    } finally {
      clearTimeout(timer);
    }
  }

  private warn({ status }: FhirAway): void {
    if (Date.now() - this.warnedAt < WARN_MS) return;
    this.warnedAt = Date.now();
    this.logger.warn(
      status === undefined ? 'the FHIR server does not answer' : `the FHIR server answers ${status}`,
    );
  }
}

/** A random pause in milliseconds that grows with the attempt, at most five seconds. */
export function jittered(attempt: number): number {
  const most = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  return most / 2 + (Math.random() * most) / 2;
}

function failureOf(error: unknown, entries: readonly BundleEntry[] | undefined): Error {
  const parsed = HttpFailure.safeParse(error);
  // An error of the HTTP client contains the URL with search values, so the error is not kept as the cause.
  if (!parsed.success)
    return error instanceof z.ZodError ? new FhirRefused(200, ['unreadable']) : new FhirAway();
  const { status, data } = parsed.data.response;
  if (BUSY.has(status)) return new FhirAway(status, retryAfter(parsed.data.config?.headers));
  if (MISCONFIGURED.has(status)) return new FhirAway(status);
  // A proxy sent a page instead of a FHIR response.
  if (status < 400) return new FhirAway(status);
  const outcome = Outcome.safeParse(data);
  const issues = outcome.success ? outcome.data.issue : [];
  const named = namedEntries(issues, entries ?? []);
  if (entries !== undefined && GONE.has(status))
    // Without an OperationOutcome, the URL is not the URL of a FHIR server.
    return outcome.success ? new FhirConflict(status, named) : new FhirAway(status);
  if (CONFLICT.has(status)) return new FhirConflict(status, named);
  return new FhirRefused(
    status,
    issues.map(({ code }) => code),
    named,
  );
}

function retryAfter(headers: Headers | undefined): number | undefined {
  const seconds = Number(headers?.get('retry-after') ?? '');
  return seconds > 0 ? Math.min(seconds * 1000, LONGEST_PAUSE_MS) : undefined;
}
