import { createHash } from 'node:crypto';
import type { Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { Inject, Injectable } from '@nestjs/common';
import { Client } from 'fhir-kit-client';
import type { z } from 'zod';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { NeighbourAway } from '../problems/errors.js';
import { FhirBreaker } from './fhir.breaker.js';
import { FhirCalls } from './fhir.calls.js';
import { FhirRefused } from './fhir.errors.js';
import {
  codingsOf,
  ExpandedValueSet,
  flagOf,
  type FoundConcept,
  OutParameters,
  wordOf,
} from './terminology.answers.js';

/** The concepts that a search covers: a ValueSet by its URL, or the descendants of a concept. */
export type SearchScope = { readonly url: string } | { readonly system: string; readonly below: string };

// A person waits for the response, so the call has a short time limit and is not repeated.
const CALL = { timeoutMs: 3_000, repeatable: false };
const BREAKER_OPEN_MS = 30_000;

/**
 * A terminology server (R4, "Terminology Service"). Requests to this server contain only codes and single words. These are in the request
 * body and never in the URL. Every call throws `NeighbourAway` when the server does not answer or no server is configured. It throws {@link
 * FhirRefused} when the server rejects the request.
 */
@Injectable()
export class TerminologyServer {
  /**
   * A hash of the URL of the server. The hash is a part of the keys of cached answers. The value is undefined when no server is configured.
   */
  readonly identity: string | undefined;
  private readonly calls: FhirCalls | undefined;

  constructor(@Inject(ENV) env: Pick<Env, 'TERMINOLOGY_URL' | 'TERMINOLOGY_TOKEN'>) {
    const { TERMINOLOGY_URL: baseUrl, TERMINOLOGY_TOKEN: bearerToken } = env;
    if (baseUrl === undefined) return;
    this.identity = createHash('sha256').update(baseUrl).digest('base64url');
    const client = new Client({ baseUrl, ...(bearerToken === undefined ? {} : { bearerToken }) });
    this.calls = new FhirCalls(client, new FhirBreaker(Date.now, BREAKER_OPEN_MS));
  }

  /** Translates a code into another system (`ConceptMap/$translate`). Returns only equal and equivalent concepts. */
  async translate(system: string, code: string, target: string): Promise<FoundConcept[]> {
    const answer = await this.operation(OutParameters, 'ConceptMap', 'translate', [
      { name: 'system', valueUri: system },
      { name: 'code', valueCode: code },
      { name: 'targetsystem', valueUri: target },
    ]);
    return codingsOf(answer).filter((found) => found.system === target);
  }

  /** Looks up a concept (`CodeSystem/$lookup`). Returns undefined when the server does not know the code or the system. */
  async lookup(
    system: string,
    code: string,
  ): Promise<{ display: string | undefined; inactive: boolean } | undefined> {
    try {
      const answer = await this.operation(OutParameters, 'CodeSystem', 'lookup', [
        { name: 'system', valueUri: system },
        { name: 'code', valueCode: code },
        { name: 'property', valueCode: 'inactive' },
      ]);
      return { display: wordOf(answer, 'display'), inactive: flagOf(answer, 'inactive') };
    } catch (error) {
      if (error instanceof FhirRefused && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Whether a ValueSet contains a code (`ValueSet/$validate-code`). Also returns false when the server does not know the ValueSet. */
  async contains(valueSet: string, system: string, code: string): Promise<boolean> {
    const { parameter } = await this.operation(OutParameters, 'ValueSet', 'validate-code', [
      { name: 'url', valueUri: valueSet },
      { name: 'system', valueUri: system },
      { name: 'code', valueCode: code },
    ]);
    return parameter.some(({ name, valueBoolean }) => name === 'result' && valueBoolean);
  }

  /** Finds concepts whose names match a text (`ValueSet/$expand` with `filter`). The order is the order of the response. */
  async find(scope: SearchScope, filter: string, language: string, count: number): Promise<FoundConcept[]> {
    const { expansion } = await this.operation(ExpandedValueSet, 'ValueSet', 'expand', [
      'url' in scope
        ? { name: 'url', valueUri: scope.url }
        : { name: 'valueSet', resource: descendantsOf(scope) },
      { name: 'filter', valueString: filter },
      { name: 'count', valueInteger: count },
      { name: 'activeOnly', valueBoolean: true },
      { name: 'includeDesignations', valueBoolean: true },
      { name: 'displayLanguage', valueCode: language },
    ]);
    return expansion.contains
      .filter(({ inactive, abstract }) => !inactive && !abstract)
      .map(({ system, code, display, designation }) => ({
        system,
        code,
        display,
        terms: [display, ...designation.map(({ value }) => value)].filter((term) => term !== undefined),
      }));
  }

  /** Parses the response inside the call, so that an invalid response becomes {@link FhirRefused}. */
  private operation<Shape extends z.ZodType>(
    shape: Shape,
    resourceType: string,
    name: string,
    parameter: ParametersParameter[],
  ): Promise<z.output<Shape>> {
    if (this.calls === undefined) return Promise.reject(new NeighbourAway('hapi'));
    const input: Parameters = { resourceType: 'Parameters', parameter };
    return this.calls.call(CALL, async (client, options) =>
      shape.parse(
        await client.operation({
          name,
          resourceType,
          method: 'POST',
          input: { ...input },
          options: { ...options },
        }),
      ),
    );
  }
}

function descendantsOf({ system, below }: Extract<SearchScope, { system: string }>) {
  const filter = [{ property: 'concept', op: 'is-a' as const, value: below }];
  return {
    resourceType: 'ValueSet' as const,
    status: 'active' as const,
    compose: { include: [{ system, filter }] },
  };
}
