import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { Client } from 'fhir-kit-client';
import { z } from 'zod';
import { NeighbourAway } from '../problems/errors.js';
import { FhirBreaker } from './fhir.breaker.js';
import { FhirConflict, FhirRefused } from './fhir.errors.js';

/** What a call is handed; a redirect could lead the token elsewhere and is never followed. */
export interface CallOptions {
  readonly signal: AbortSignal;
  readonly redirect: 'error';
  readonly headers?: Record<string, string>;
}

/** How a call may be treated. `patient`: tried again here (only what changes nothing, or may be sent twice, is). */
export interface CallKind {
  readonly timeoutMs: number;
  readonly repeatable: boolean;
}

const READ_ATTEMPTS = 4;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
const BUSY = new Set([408, 425, 429, 500, 502, 503, 504]);
/** The server or a proxy takes no such request of ours whatever is in it: an operator's to mend, and no row's fault. */
const MISCONFIGURED = new Set([401, 403, 405, 407, 501]);
const CONFLICT = new Set([409, 412]);
const WARN_MS = 30_000;

const HttpFailure = z.object({
  response: z.object({ status: z.number(), data: z.unknown() }),
  config: z.object({ headers: z.instanceof(Headers).optional() }).optional(),
});
const Outcome = z.object({
  resourceType: z.literal('OperationOutcome'),
  issue: z.array(z.object({ code: z.string() })).max(1000),
});

/**
 * Every call to the FHIR server goes through here: a time limit, repeats with jitter, a breaker, and errors without a word of
 * a patient. Throws {@link FhirRefused}, {@link FhirConflict}, or `NeighbourAway('hapi')` for all that may pass.
 */
export class FhirCalls {
  private readonly logger = new Logger('fhir');
  private warnedAt = Number.NEGATIVE_INFINITY;
  private failed = 0;

  constructor(
    private readonly client: Client,
    private readonly breaker = new FhirBreaker(),
  ) {}

  /** For the operator: how often the server did not answer since the process began, and whether it is left alone now. */
  get trouble(): { readonly failed: number; readonly isOpen: boolean } {
    return { failed: this.failed, isOpen: this.breaker.isOpen };
  }

  async call<T>(kind: CallKind, work: (client: Client, options: CallOptions) => Promise<T>): Promise<T> {
    const attempts = kind.repeatable ? READ_ATTEMPTS : 1;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.once(kind.timeoutMs, work);
      } catch (error) {
        if (!(error instanceof FhirAway) || attempt === attempts) throw error;
        await sleep(error.pauseMs ?? jittered(attempt));
      }
    }
  }

  private async once<T>(
    timeoutMs: number,
    work: (client: Client, options: CallOptions) => Promise<T>,
  ): Promise<T> {
    if (!this.breaker.admits()) throw new FhirAway();
    // Not AbortSignal.timeout: that keeps request and answer until the time is up, however early the answer came.
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), timeoutMs);
    try {
      const answer = await work(this.client, { signal: limit.signal, redirect: 'error' });
      this.breaker.succeeded();
      return answer;
    } catch (error) {
      const failure = failureOf(error);
      if (failure instanceof FhirAway) {
        this.breaker.failed();
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

/** The server does not answer, is too busy, or broke in the middle: whether a write was done is unknown. */
class FhirAway extends NeighbourAway {
  constructor(
    readonly status?: number,
    readonly pauseMs?: number,
  ) {
    super('hapi');
  }
}

/** A pause that grows with the attempt, different for everybody, five seconds at most. */
export function jittered(attempt: number): number {
  const most = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  return most / 2 + (Math.random() * most) / 2;
}

function failureOf(error: unknown): Error {
  const parsed = HttpFailure.safeParse(error);
  // The client's own errors name the address, and with it what was searched for: none is kept as a cause.
  if (!parsed.success)
    return error instanceof z.ZodError ? new FhirRefused(200, ['unreadable']) : new FhirAway();
  const { status, data } = parsed.data.response;
  if (BUSY.has(status)) return new FhirAway(status, retryAfter(parsed.data.config?.headers));
  if (MISCONFIGURED.has(status)) return new FhirAway(status);
  if (CONFLICT.has(status)) return new FhirConflict(status);
  // A proxy's page in place of an answer.
  if (status < 400) return new FhirAway(status);
  const outcome = Outcome.safeParse(data);
  return new FhirRefused(status, outcome.success ? outcome.data.issue.map((issue) => issue.code) : []);
}

function retryAfter(headers: Headers | undefined): number | undefined {
  const seconds = Number(headers?.get('retry-after') ?? '');
  return seconds > 0 ? Math.min(seconds * 1000, LONGEST_PAUSE_MS) : undefined;
}
