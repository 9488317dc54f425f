import { Inject, Injectable } from '@nestjs/common';
import { Client } from 'fhir-kit-client';
import { z } from 'zod';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { NotConfigured } from '../problems/errors.js';
import { FhirCalls } from './fhir.calls.js';
import { FhirRefused } from './fhir.errors.js';

const TIMEOUT_MS = 3_000;
const Capabilities = z.looseObject({
  resourceType: z.literal('CapabilityStatement'),
  fhirVersion: z.string(),
});

/** The state of the FHIR server. `off` means that no server is configured. */
export type FhirState = 'up' | 'away' | 'off';

/** The connection to HAPI FHIR. Only this folder uses the URL and the token of the server. */
@Injectable()
export class FhirServer {
  /** Makes all calls to the server. The value is undefined when no server is configured. */
  readonly calls: FhirCalls | undefined;
  private readonly client: Client | undefined;

  constructor(@Inject(ENV) env: Pick<Env, 'FHIR_BASE_URL' | 'FHIR_TOKEN'>) {
    if (env.FHIR_BASE_URL === undefined) return;
    const bearerToken = env.FHIR_TOKEN;
    this.client = new Client({
      baseUrl: env.FHIR_BASE_URL,
      ...(bearerToken === undefined ? {} : { bearerToken }),
    });
    this.calls = new FhirCalls(this.client);
  }

  /** Throws NotConfigured when no server is configured. Otherwise jobs would wait for the server forever. */
  mustBeConfigured(): void {
    if (this.client === undefined)
      throw new NotConfigured(
        'No FHIR server is configured, so lists cannot be imported. Set FHIR_BASE_URL.',
      );
  }

  /**
   * Resolves a link in a response, such as the link to the next page. Throws FhirRefused for a link to another origin, because the token
   * would be sent there.
   */
  ownLink(link: string): string {
    const base = this.client?.baseUrl ?? '';
    if (!URL.canParse(link, base) || new URL(link, base).origin !== new URL(base).origin)
      throw new FhirRefused(200, ['foreign-link']);
    return new URL(link, base).href;
  }

  /** Checks the server. The state is `up` when the server returns a capability statement of R4. */
  async state(): Promise<FhirState> {
    if (this.client === undefined) return 'off';
    try {
      const answer = await this.client.capabilityStatement({ signal: AbortSignal.timeout(TIMEOUT_MS) });
      return Capabilities.parse(answer).fhirVersion.startsWith('4.0') ? 'up' : 'away';
    } catch {
      return 'away';
    }
  }
}
