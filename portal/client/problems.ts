interface Affected {
  readonly conditions: number;
  readonly observations: number;
  readonly patients: number;
}

/** A refusal of the gateway (RFC 9457). `status` is 0 if there was no answer. The pages translate `code` (docs/problems.md). */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string;
  /** The written records that a confirmed change would also change. */
  readonly affected: Affected | undefined;

  constructor(values: {
    status: number;
    code: string;
    detail: string;
    requestId: string;
    affected?: Affected | undefined;
  }) {
    super(values.code);
    this.status = values.status;
    this.code = values.code;
    this.detail = values.detail;
    this.requestId = values.requestId;
    this.affected = values.affected;
  }

  /** Whether the same request may succeed later. */
  get mayPass(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

function memberOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([name]) => name === key)?.[1];
}

function textAt(value: unknown, key: string): string {
  const found = memberOf(value, key);
  return typeof found === 'string' ? found : '';
}

function affectedIn(body: unknown): Affected | undefined {
  const affected = memberOf(body, 'affected');
  if (affected === undefined) return undefined;
  const count = (key: string) => Number(memberOf(affected, key) ?? 0);
  return {
    conditions: count('conditions'),
    observations: count('observations'),
    patients: count('patients'),
  };
}

/** Reads the problem of an answer. Without a readable body, the code follows from the status. */
export async function problemOf(answer: Response): Promise<Problem> {
  const body: unknown = await answer.json().catch(() => undefined);
  return new Problem({
    status: answer.status,
    code: textAt(body, 'code') || (answer.status >= 500 ? 'service-unavailable' : 'refused'),
    detail: textAt(body, 'detail'),
    requestId: answer.headers.get('x-request-id') ?? '',
    affected: affectedIn(body),
  });
}
